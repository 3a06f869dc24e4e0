//! What differs from the rule, by name and with the reason. A name that has lost its table is a breach too.

/// An exception and why it may be one.
pub(super) struct Exception {
    pub(super) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people; a test demands it"))]
    reason: &'static str,
}

const fn because(name: &'static str, reason: &'static str) -> Exception {
    Exception { name, reason }
}

/// Tables that belong to no tenant. `konstruct_app` has no grant on them but those of [`APP_ON_GLOBAL`].
pub(super) const GLOBAL: &[Exception] = &[
    because("_sqlx_migrations", "which migrations have run"),
    because("users", "a person may belong to several organisations"),
    because("operator", "an identity beside every organisation"),
    because("session", "belongs to a user, not to one of their organisations"),
    because("refresh_token", "belongs to a session"),
    because("api_key", "is looked up by its hash before the organisation is known"),
    because("login_failure", "is counted before anybody is known"),
    because("operator_audit_entry", "what was done to the installation, not to an organisation"),
    because("node", "the processes of the installation"),
    because("config_epoch", "one counter for the installation"),
    because("usage_flush", "how far each process has written its log of model calls"),
    because("channel_app", "an app that several organisations share; the operator's"),
];

/// What `konstruct_app` may do on a table of no tenant.
pub(super) const APP_ON_GLOBAL: &[Exception] = &[
    because("config_epoch select", "a change of configuration takes the next epoch in its own transaction"),
    because("config_epoch update", "a change of configuration takes the next epoch in its own transaction"),
];

/// Tenant tables through whose wall `konstruct_system` passes, narrowed by grants.
pub(super) const SYSTEM: &[Exception] = &[
    because("organisation", "identity and dispatch look organisations up"),
    because("project", "a new organisation is given its first project"),
    because("role", "a new organisation is given its roles"),
    because("membership", "identity asks which organisations a user belongs to"),
    because("invitation", "identity forgets those of all tenants that have expired; it reads when, and nothing else"),
    because("lane", "dispatch claims lanes over all tenants"),
    because("inbox", "the committer stores arrivals of all tenants in one batch"),
    because("inbox_dedup", "the committer stores arrivals of all tenants in one batch"),
    because("run", "the committer finishes runs of all tenants in one batch"),
    because("step", "the committer journals steps of all tenants in one batch"),
    because("outbox", "the sender claims replies over all tenants"),
    because("dead_letter", "the committer gives work of all tenants up"),
    because("model_call", "the writer logs calls of all tenants in one batch"),
    because("usage_hour", "the writer sums calls of all tenants in one batch"),
    because("usage_day", "the writer sums calls of all tenants in one batch"),
    because("usage_retention", "the log of every tenant is cut to its length"),
    because("route", "is read before it is known whose delivery it is"),
    because("route_claim", "is read before it is known whose delivery it is"),
    because("virtual_key", "is looked up by its hash before the organisation is known"),
    because("budget", "the ledger reads the amounts that it grants from, and nothing else"),
    because("budget_window", "the ledger settles the calls of all tenants in one batch"),
    because("budget_lease", "the ledger settles the calls of all tenants in one batch"),
    because("budget_alert", "the ledger settles the calls of all tenants in one batch"),
];

/// Columns with what people and models said, which `konstruct_system` writes and may not read.
pub(super) const UNREAD_BY_SYSTEM: &[Exception] = &[
    because("inbox.text", "a tenant's words"),
    because("inbox.body", "a tenant's words"),
    because("step.output", "what a model or a tool said"),
    because("outbox.text", "a tenant's words"),
    because("outbox.body", "a tenant's words"),
    because("model_call.error", "what a provider said"),
];

/// Unique indexes of tenant tables that do not begin with `tenant_id`.
pub(super) const UNIQUE_OVER_TENANTS: &[Exception] = &[
    because("organisation_name_key", "names the organisation itself; the operator alone makes and names organisations"),
    because(
        "route_claim_pkey",
        "whoever proves a secret first; its fingerprint is part of the key and cannot be guessed",
    ),
    because(
        "route_claim_channel_app_id_external_id_secret_fingerprint_t_key",
        "what a route refers to: the claim together with its tenant",
    ),
    because("virtual_key_key_hash_key", "a key tells whose call it is; whoever can collide with one has it already"),
];

/// References out of a tenant table to one without a tenant.
pub(super) const REFERENCES_OUT: &[Exception] =
    &[because("membership users", "whom a role is granted to; the id is random and says nothing")];

/// References into a tenant table from one without a tenant.
pub(super) const REFERENCES_IN: &[Exception] = &[
    because("api_key organisation", "a key dies with its organisation; identity alone reads it"),
    because("api_key role", "a key cannot carry a role its organisation does not have; identity alone reads it"),
];

/// Functions that run with their owner's rights.
pub(super) const DEFINERS: &[Exception] = &[
    because("make_partition", "only the owner may make tables; the name is checked against a list"),
    because("drop_partitions", "only the owner may drop tables; the name is checked against a list"),
];

/// The names alone, to be bound to a query.
pub(super) fn names(list: &[Exception]) -> Vec<String> {
    list.iter().map(|exception| exception.name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_says_why_and_stands_once() {
        for list in [GLOBAL, APP_ON_GLOBAL, SYSTEM, UNREAD_BY_SYSTEM, UNIQUE_OVER_TENANTS, DEFINERS] {
            let mut names = names(list);
            names.sort();
            names.dedup();
            assert_eq!(names.len(), list.len());
            assert!(list.iter().all(|exception| exception.reason.len() > 10));
        }
    }
}
