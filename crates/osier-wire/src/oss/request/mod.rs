//! What clients send: addresses, routes, arguments and documents.
