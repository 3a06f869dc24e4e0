//! The written list of what may be called without a bearer. Whatever is not on it is refused with 401; the API pass
//! checks both.

/// Method and path of the documented operations that anybody may call.
pub const ANONYMOUS: [(&str, &str); 8] = [
    ("post", "/api/auth/login"),
    // The refresh token is the proof.
    ("post", "/api/auth/refresh"),
    // Whoever brings neither token nor cookie ends nothing.
    ("post", "/api/auth/logout"),
    // The invitation's token is the proof, and to accept it a password.
    ("post", "/api/auth/invitation"),
    ("post", "/api/auth/invitation/accept"),
    ("get", "/channels/web/{connection}"),
    ("post", "/channels/web/{connection}/visitors"),
    // Slack's signature is the proof.
    ("post", "/channels/slack/events"),
];
