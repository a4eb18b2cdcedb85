"""The application: the path of a request, its surfaces and its wiring."""
