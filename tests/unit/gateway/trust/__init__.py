"""Tests of what makes others believe us, and us believe others."""
