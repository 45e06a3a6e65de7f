//! How the layers fold, case by case.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

/// A home directory that is removed at the end of the test.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("evmig-home-{}", crate::clock::run_id()));
        fs::create_dir_all(path.join(".postgresql")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn resolve_with(
    text: &str,
    project: &[(&str, &str)],
    variables: &[(&str, &str)],
    home: Option<&Path>,
) -> Result<Parameters, ParamsError> {
    let mut variables = map(variables);
    variables
        .entry("PGSYSCONFDIR".to_owned())
        .or_insert_with(|| "/nonexistent".to_owned());
    resolve(&Sources {
        connection_string: Some(&Secret::new(text)),
        project: &map(project),
        variables: &variables,
        os_user: Some("me"),
        home,
    })
}

fn of(text: &str) -> Parameters {
    resolve_with(text, &[], &[], None).unwrap()
}

fn password(parameters: &Parameters, at: usize) -> Option<&str> {
    parameters.servers[at].password.as_ref().map(Secret::expose)
}

#[test]
fn defaults_are_the_users_name_and_the_usual_port() {
    let parameters = of("host=h");
    assert_eq!(parameters.user, "me");
    assert_eq!(parameters.dbname, "me");
    assert_eq!(parameters.servers[0].port, 5432);
    assert_eq!(parameters.tls.mode, SslMode::Prefer);
    assert_eq!(parameters.origin("user"), Some(&Origin::Default));
    assert_eq!(of("host=h user=u").dbname, "u");
    assert_eq!(of("").servers.len(), 1);
}

#[test]
fn a_higher_layer_wins() {
    let home = Home::new();
    home.write(
        ".pg_service.conf",
        "[s]\nhost=service\nport=3\nuser=su\ndbname=sd\n",
        0o644,
    );
    let variables = [
        ("PGSERVICE", "s"),
        ("PGHOST", "variable"),
        ("PGUSER", "vu"),
        ("PGAPPNAME", "va"),
        ("PGPORT", "4"),
    ];
    let parameters =
        resolve_with("host=text", &[("user", "pu")], &variables, Some(&home.0)).unwrap();
    let origin = |name| parameters.origin(name).unwrap().clone();
    assert_eq!(parameters.servers[0].host, Host::Tcp("text".to_owned()));
    assert_eq!(origin("host"), Origin::ConnectionString);
    assert_eq!(
        (parameters.user.as_str(), origin("user")),
        ("pu", Origin::Project)
    );
    assert_eq!(parameters.dbname, "sd");
    assert!(matches!(origin("port"), Origin::Service { .. }));
    assert_eq!(origin("application_name"), Origin::Variable("PGAPPNAME"));
    assert_eq!(parameters.servers[0].port, 3);
}

#[test]
fn hosts_ports_and_addresses_are_parallel_lists() {
    let parameters = of("postgres://a:1,[::1],c:3/d");
    let ports: Vec<_> = parameters.servers.iter().map(|s| s.port).collect();
    assert_eq!(ports, [1, 5432, 3]);
    assert_eq!(of("host=a,b port=7").servers[1].port, 7);
    let parameters = of("host=a,b hostaddr=127.0.0.1,::1");
    assert_eq!(parameters.servers[1].hostaddr, Some("::1".parse().unwrap()));
    for text in ["host=a,b port=1,2,3", "host=a,b hostaddr=::1"] {
        let error = resolve_with(text, &[], &[], None).unwrap_err();
        assert!(
            matches!(error, ParamsError::CountMismatch { hosts: 2, .. }),
            "{error}"
        );
    }
}

#[test]
fn sockets_and_loopback() {
    for text in [
        "host=/tmp",
        "postgres://%2Ftmp/d",
        "host=localhost",
        "host=127.3.2.1",
        "host=::1",
        "host=db.example hostaddr=127.0.0.1",
    ] {
        assert!(of(text).is_loopback(), "{text}");
    }
    for text in [
        "host=db.example",
        "host=localhost,db.example",
        "host=localhost hostaddr=10.0.0.1",
    ] {
        assert!(!of(text).is_loopback(), "{text}");
    }
}

#[test]
fn bad_values_name_the_keyword_and_its_origin() {
    for (text, keyword) in [
        ("host=h port=0", "port"),
        ("host=h port=65536", "port"),
        ("host=h port=x", "port"),
        ("host=h sslmode=REQUIRE", "sslmode"),
        ("host=h connect_timeout=soon", "connect_timeout"),
        ("host=h target_session_attrs=rw", "target_session_attrs"),
        ("host=h hostaddr=h", "hostaddr"),
        ("host='a b'", "host"),
        ("host=@abstract", "host"),
        ("host=h gssencmode=require", "gssencmode"),
        ("host=h sslnegotiation=maybe", "sslnegotiation"),
    ] {
        match resolve_with(text, &[], &[], None) {
            Err(ParamsError::BadValue {
                keyword: found,
                origin,
                ..
            }) => assert_eq!(
                (found, origin),
                (keyword, Origin::ConnectionString),
                "{text}"
            ),
            other => panic!("{text}: {other:?}"),
        }
    }
    let error = resolve_with("host=h", &[], &[("PGPORT", "x")], None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`port` (from PGPORT) must be a number from 1 to 65535"
    );
}

#[test]
fn what_is_not_supported_is_refused_and_not_dropped() {
    for (text, variables) in [
        ("host=h sslcrl=/x", &[][..]),
        ("host=h", &[("PGSSLCRL", "/x")][..]),
        ("host=h", &[("PGREQUIREPEER", "postgres")][..]),
        ("host=h requirepeer=postgres", &[][..]),
        ("host=h sslpassword=x", &[][..]),
    ] {
        let error = resolve_with(text, &[], variables, None).unwrap_err();
        assert!(
            matches!(error, ParamsError::Unsupported { .. }),
            "{text} {error}"
        );
    }
    assert!(resolve_with("host=h", &[], &[("PGCLIENTENCODING", "LATIN1")], None).is_ok());
    assert!(resolve_with("host=h gssencmode=prefer", &[], &[], None).is_ok());
}

#[test]
fn supabase_is_never_spoken_to_in_clear_by_default() {
    for host in [
        "db.abc.supabase.co",
        "aws-0-eu.pooler.supabase.com",
        "DB.X.SUPABASE.CO.",
    ] {
        let parameters = of(&format!("host={host}"));
        assert_eq!(parameters.tls.mode, SslMode::Require, "{host}");
        assert!(matches!(
            parameters.origin("sslmode"),
            Some(Origin::Rule(_))
        ));
    }
    assert_eq!(of("host=supabase.co.example").tls.mode, SslMode::Prefer);
    assert_eq!(
        of("host=db.abc.supabase.co sslmode=disable").tls.mode,
        SslMode::Disable
    );
}

#[test]
fn system_roots_and_direct_tls_refuse_weak_modes() {
    assert_eq!(
        of("host=h sslrootcert=system").tls.mode,
        SslMode::VerifyFull
    );
    assert!(matches!(
        resolve_with(
            "host=h sslrootcert=system sslmode=verify-ca",
            &[],
            &[],
            None
        ),
        Err(ParamsError::WeakModeWithSystemRoots { .. })
    ));
    assert!(matches!(
        resolve_with("host=h sslnegotiation=direct", &[], &[], None),
        Err(ParamsError::WeakModeWithDirect { .. })
    ));
    assert!(
        of("host=h sslnegotiation=direct sslmode=require")
            .tls
            .direct
    );
}

#[test]
fn requiressl_counts_where_nothing_else_is_said() {
    let mode = |variables: &[(&str, &str)]| {
        resolve_with("host=h", &[], variables, None)
            .unwrap()
            .tls
            .mode
    };
    assert_eq!(mode(&[("PGREQUIRESSL", "1")]), SslMode::Require);
    assert_eq!(mode(&[("PGREQUIRESSL", "0")]), SslMode::Prefer);
    assert_eq!(
        mode(&[("PGREQUIRESSL", "1"), ("PGSSLMODE", "allow")]),
        SslMode::Allow
    );
}

#[test]
fn the_password_file_is_asked_last_and_per_server() {
    let home = Home::new();
    home.write(".pgpass", "a:1:d:u:pa\n*:2:*:*:pb\n", 0o600);
    let text = "host=a,b,c port=1,2,3 dbname=d user=u";
    let parameters = resolve_with(text, &[], &[], Some(&home.0)).unwrap();
    assert_eq!(password(&parameters, 0), Some("pa"));
    assert_eq!(password(&parameters, 1), Some("pb"));
    assert_eq!(password(&parameters, 2), None);
    assert!(matches!(
        parameters.origin("password"),
        Some(Origin::Passfile { line: 1, .. })
    ));
    let variables = [("PGPASSWORD", "pv")];
    let parameters = resolve_with(text, &[], &variables, Some(&home.0)).unwrap();
    assert_eq!(password(&parameters, 0), Some("pv"));
    home.write(".pgpass", "*:*:*:*:p\n", 0o644);
    let parameters = resolve_with(text, &[], &[], Some(&home.0)).unwrap();
    assert_eq!(password(&parameters, 0), None);
    assert!(matches!(
        parameters.warnings[..],
        [ParamsWarning::Passfile(_)]
    ));
}

#[test]
fn a_project_key_must_be_a_keyword() {
    let error = resolve_with("", &[("sslmod", "require")], &[], None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown connection keyword `sslmod` in phases.toml; did you mean `sslmode`?"
    );
}

#[test]
fn the_shown_url_leads_to_the_same_place() {
    let text = "postgres://u%40x:pw@[::1]:5433,%2Frun%2Fpg:1/d%20b?sslmode=allow";
    let url = of(text).redacted_url();
    assert_eq!(
        url,
        "postgresql://u%40x@[::1]:5433,%2Frun%2Fpg:1/d%20b?sslmode=allow"
    );
    let again = of(&url);
    assert_eq!((again.user.as_str(), again.dbname.as_str()), ("u@x", "d b"));
    assert_eq!(
        again.servers[1].host,
        Host::Socket(PathBuf::from("/run/pg"))
    );
    assert!(of(text).redacted_url_with_port(6).contains("[::1]:6,"));
}

proptest! {
    /// B79: the password is in no form in which parameters or their errors can be shown.
    #[test]
    fn no_form_shows_the_password(
        tail in "[a-zA-Z0-9@:/?#&=%' \\\\]{0,8}",
        place in 0..4_usize,
        extra in prop::sample::select(vec!["", "port=x", "sslmode=bad", "sslcrl=x", "foo=x"]),
    ) {
        let canary = format!("CaNaRy71{tail}");
        let quoted = canary.replace('\\', "\\\\").replace('\'', "\\'");
        let encoded = canary.bytes().fold(String::new(), |all, b| format!("{all}%{b:02x}"));
        let result = match place {
            0 => resolve_with(&format!("host=h {extra} password='{quoted}'"), &[], &[], None),
            1 => {
                let url = format!("postgres://u:{encoded}@h/d?{extra}");
                resolve_with(&url, &[], &[], None)
            }
            2 => resolve_with(&format!("postgres://u:{canary}@h/d?{extra}"), &[], &[], None),
            _ => resolve_with(&format!("host=h {extra}"), &[], &[("PGPASSWORD", &canary)], None),
        };
        let shown = match &result {
            Ok(parameters) => format!(
                "{parameters:?} {:?} {}",
                parameters.display(),
                parameters.redacted_url()
            ),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains("CaNaRy71"), "{}", shown);
    }
}
