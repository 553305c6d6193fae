"""Parts of a service's HTTP API: routes, request bodies, values, pages, answers and errors."""
