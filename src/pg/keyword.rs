//! libpq's connection keywords, their environment variables, and what evmig does with each.
//!
//! The table is libpq's `PQconninfoOptions` up to PostgreSQL 18, so that a keyword is either
//! honoured, known to change nothing here, or refused with a reason: never dropped in silence.

/// What evmig does with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is honoured.
    Honoured,
    /// It is accepted, and evmig has no use for it.
    Ignored,
    /// It is an error to set it; the text says why and what to do instead.
    Refused(&'static str),
}

/// One connection keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// The name in a connection string.
    pub name: &'static str,
    /// The environment variable that sets it, if there is one.
    pub variable: Option<&'static str>,
    /// What evmig does with it.
    pub usage: Use,
}

const fn honoured(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword {
        name,
        variable,
        usage: Use::Honoured,
    }
}

const fn ignored(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword {
        name,
        variable,
        usage: Use::Ignored,
    }
}

const fn refused(name: &'static str, variable: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword {
        name,
        variable,
        usage: Use::Refused(why),
    }
}

const NO_CRL: &str = "revocation lists are not checked by evmig; leave it out, or connect through \
                      a proxy that checks them";
const NO_OAUTH: &str = "OAuth logins are not supported; use a password or a certificate";
const NO_SCRAM_KEYS: &str = "SCRAM pass-through keys are not supported; give the password";

/// Every keyword of libpq, in the order `evmig config` shows them.
pub const KEYWORDS: &[Keyword] = &[
    honoured("service", Some("PGSERVICE")),
    honoured("servicefile", Some("PGSERVICEFILE")),
    honoured("host", Some("PGHOST")),
    honoured("hostaddr", Some("PGHOSTADDR")),
    honoured("port", Some("PGPORT")),
    honoured("dbname", Some("PGDATABASE")),
    honoured("user", Some("PGUSER")),
    honoured("password", Some("PGPASSWORD")),
    honoured("passfile", Some("PGPASSFILE")),
    honoured("options", Some("PGOPTIONS")),
    honoured("application_name", Some("PGAPPNAME")),
    honoured("fallback_application_name", None),
    honoured("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    honoured("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    honoured("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    honoured("channel_binding", Some("PGCHANNELBINDING")),
    honoured("sslmode", Some("PGSSLMODE")),
    honoured("sslnegotiation", Some("PGSSLNEGOTIATION")),
    honoured("sslrootcert", Some("PGSSLROOTCERT")),
    honoured("sslcert", Some("PGSSLCERT")),
    honoured("sslkey", Some("PGSSLKEY")),
    honoured("sslsni", Some("PGSSLSNI")),
    honoured("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    honoured("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    honoured("keepalives", None),
    honoured("keepalives_idle", None),
    honoured("keepalives_interval", None),
    honoured("keepalives_count", None),
    honoured("tcp_user_timeout", None),
    honoured("gssencmode", Some("PGGSSENCMODE")),
    // evmig speaks UTF-8 to the server whatever the terminal's encoding is.
    ignored("client_encoding", Some("PGCLIENTENCODING")),
    // Compression is gone from OpenSSL; libpq ignores it too.
    ignored("sslcompression", Some("PGSSLCOMPRESSION")),
    // They only matter once GSSAPI is used, which gssencmode rules out.
    ignored("krbsrvname", Some("PGKRBSRVNAME")),
    ignored("gsslib", Some("PGGSSLIB")),
    ignored("gssdelegation", Some("PGGSSDELEGATION")),
    refused("sslcrl", Some("PGSSLCRL"), NO_CRL),
    refused("sslcrldir", Some("PGSSLCRLDIR"), NO_CRL),
    refused(
        "sslpassword",
        None,
        "encrypted client keys are not supported; decrypt the key with \
         `openssl pkcs8 -topk8 -nocrypt` into a file that only you can read",
    ),
    refused(
        "sslcertmode",
        Some("PGSSLCERTMODE"),
        "evmig sends a client certificate whenever it has one; set or leave out sslcert instead",
    ),
    refused(
        "sslkeylogfile",
        None,
        "evmig never writes the keys of a TLS session to a file",
    ),
    refused(
        "requirepeer",
        Some("PGREQUIREPEER"),
        "the owner of the server process is not checked by evmig; put the socket in a directory \
         that only that user can write to",
    ),
    refused(
        "require_auth",
        Some("PGREQUIREAUTH"),
        "evmig cannot restrict the authentication method; channel_binding=require restricts it \
         to SCRAM over TLS",
    ),
    refused(
        "replication",
        None,
        "a replication connection cannot run migrations",
    ),
    refused(
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        "evmig always speaks protocol 3.0",
    ),
    refused(
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
        "evmig always speaks protocol 3.0",
    ),
    refused("scram_client_key", None, NO_SCRAM_KEYS),
    refused("scram_server_key", None, NO_SCRAM_KEYS),
    refused("oauth_issuer", None, NO_OAUTH),
    refused("oauth_client_id", None, NO_OAUTH),
    refused("oauth_client_secret", None, NO_OAUTH),
    refused("oauth_scope", None, NO_OAUTH),
];

/// Finds a keyword by its name, which is case-sensitive as in libpq.
pub fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Returns the known keyword nearest to a mistyped one, if one is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    KEYWORDS
        .iter()
        .map(|keyword| {
            (
                strsim::damerau_levenshtein(keyword.name, &lower),
                keyword.name,
            )
        })
        .min()
        .filter(|(distance, known)| *distance <= 2 && *distance * 2 < known.len())
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        for (at, keyword) in KEYWORDS.iter().enumerate() {
            for other in &KEYWORDS[at + 1..] {
                assert_ne!(keyword.name, other.name);
                assert!(keyword.variable.is_none() || keyword.variable != other.variable);
            }
        }
    }

    #[test]
    fn nearest_finds_slips_and_nothing_else() {
        assert_eq!(nearest("sslmod"), Some("sslmode"));
        assert_eq!(nearest("HOST"), Some("host"));
        assert_eq!(nearest("databse"), None);
        assert_eq!(nearest("pgbouncer"), None);
        assert_eq!(nearest(""), None);
    }
}
