"""National ID platform: REST, many people in one call."""
