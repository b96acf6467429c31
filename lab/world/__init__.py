"""The namespaces of a lab, and the hosts in them."""
