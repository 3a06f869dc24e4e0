/// How a key's value is written in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
    /// Comma-separated.
    List,
}

/// One key of the configuration.
pub(super) struct Key {
    pub path: &'static str,
    pub kind: Kind,
    /// What holds where it is not given, in words.
    pub default: &'static str,
    pub about: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { path, kind, default, about }
}

/// Every key there is, in the order of the reference.
pub(super) const KEYS: &[Key] = &[
    key(
        "data_dir",
        Kind::Text,
        "`konstruct-data`",
        "The directory that holds everything a single machine keeps: the private PostgreSQL, the master key and files.",
    ),
    key("listen", Kind::Text, "`127.0.0.1:8080`", "The address and port to listen on."),
    key(
        "public_url",
        Kind::Text,
        "the address of `listen`",
        "The URL at which people and channels reach this server; it is shown where an address has to be pasted.",
    ),
    key(
        "roles",
        Kind::List,
        "`all`",
        "What this node does: `gateway` takes deliveries of channels (`/channels/...`), `worker` runs turns and sends \
         replies, `api` serves the REST API and the portal, `llm` answers programs that ask the pool of models (`/llm/...`); `all` is all of them. What no role of the node answers is 404 \
         there; its health and figures it tells always.",
    ),
    key(
        "log",
        Kind::Text,
        "`info`",
        "What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels for parts such as \
         `info,durable=debug`.",
    ),
    key("log_format", Kind::Text, "`text`", "`text` for people, `json` for machines."),
    key(
        "master_key_file",
        Kind::Text,
        "`master.key` in the data directory",
        "The keys that seal secrets: 64 hexadecimal digits a line, the current one first. Made where it is missing. \
         Keep a copy of it apart from the database's backups: without it, stored secrets are lost.",
    ),
    key("tls.cert_file", Kind::Text, "none: plain HTTP", "The certificate chain (PEM). Read anew when it changes."),
    key("tls.key_file", Kind::Text, "none: plain HTTP", "The certificate's private key (PEM)."),
    key(
        "database.url",
        Kind::Text,
        "none: a private PostgreSQL in the data directory",
        "The PostgreSQL (15 or newer) to use, as the role `konstruct_app`: `postgres://konstruct_app:...@host/konstruct`.",
    ),
    key(
        "database.system_url",
        Kind::Text,
        "none; needed with `database.url`",
        "The same database as the role `konstruct_system`.",
    ),
    key(
        "database.admin_url",
        Kind::Text,
        "none",
        "The same database as a role that may create roles and owns the database. Only `konstruct migrate` and \
         `konstruct doctor` read it.",
    ),
    key(
        "database.max_connections",
        Kind::Number,
        "`10`",
        "The most connections of each of the node's two pools; a node takes up to twice as many.",
    ),
    key(
        "egress.allow_private",
        Kind::Switch,
        "`false`",
        "Whether base URLs that organisations set themselves may lie in private networks. Those that the operator sets \
         with `konstruct apply --data-dir` always may.",
    ),
    key(
        "metrics.listen",
        Kind::Text,
        "none: `listen` answers `/metrics`",
        "An address and port of its own for `/metrics`, which asks for no credentials: with it, `listen` does not answer \
         `/metrics` any more. The health is told on both.",
    ),
    key("engine.max_running", Kind::Number, "`256`", "How many turns may be under way on this node at once."),
    key(
        "usage.keep_days",
        Kind::Number,
        "`90`",
        "For how many days the log of model calls is kept, 1 to 3650; organisations may keep theirs for fewer. What calls \
         came to by the hour is kept.",
    ),
];
