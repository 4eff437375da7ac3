"""What the integration tests stand on: a real httpd, a real TLS issuer, a back end."""
