"""Internal HTTP between DocStore's services: types of requests and responses, one client class per service."""
