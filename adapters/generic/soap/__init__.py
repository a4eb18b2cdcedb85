"""Registries with a SOAP 1.1 service and a WSDL."""
