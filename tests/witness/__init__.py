"""What is seen of the messages that processes emit during the end-to-end tests."""
