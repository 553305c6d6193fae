"""Parts of a service's HTTP API: routes, request bodies, values, pages, responses and errors."""
