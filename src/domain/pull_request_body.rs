//! pull_request_body
