//! What `kanado doctor` asks of a store on a PostgreSQL server.
//!
//! Limits: damage of the server's files is its own administrator's to find; here the rows are read that nobody may point at in vain.

use super::check::{Finding, Level};
use super::column::Columns as _;
use super::error::Result;
use super::{Store, schema};

postgres_queries! {
    SERVER = "SELECT current_setting('server_version') AS version, CAST(current_setting('server_version_num') AS BIGINT) AS number, \
        current_setting('synchronous_commit') AS synchronous, current_setting('fsync') AS fsync, \
        CAST(current_setting('max_connections') AS BIGINT) AS allowed, \
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used, \
        CAST(pg_database_size(current_database()) AS BIGINT) AS size, \
        coalesce((SELECT CASE WHEN ssl THEN 'yes' ELSE 'no' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'unknown') AS encrypted, \
        coalesce(CAST(inet_server_addr() AS TEXT), '') AS address";
    INDEXES = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = current_schema() AND NOT i.indisvalid";
}

queries! {
    ORPHANS = "SELECT count(*) FROM tickets t LEFT JOIN specs s ON s.ticket = t.id LEFT JOIN projects p ON p.id = t.project \
        WHERE s.ticket IS NULL OR p.id IS NULL";
}

/// The oldest server this is tested with.
const OLDEST: i64 = 130_000;

impl Store {
    /// Looks at everything that could be wrong with the server and our part of it.
    pub(super) async fn check_server(&self) -> Result<Vec<Finding>> {
        let mut conn = self.snapshot().await?;
        let server = sqlx::query(SERVER).fetch_one(&mut *conn).await?;
        let orphans: i64 = sqlx::query_scalar(ORPHANS).fetch_one(&mut *conn).await?;
        let invalid: i64 = sqlx::query_scalar(INDEXES).fetch_one(&mut *conn).await?;
        let version = schema::found(&mut conn).await?;
        conn.rollback().await?;
        let place = self.place();
        let mut findings = vec![if orphans == 0 && invalid == 0 {
            Finding::good("integrity", format!("{place} is whole"))
        } else {
            Finding::new(
                "integrity",
                Level::Bad,
                format!("{place} is damaged: {orphans} tickets lack their spec or project, {invalid} indexes are not valid"),
                "restore the server's last backup; `REINDEX` repairs indexes",
            )
        }];
        findings.push(Finding::schema(version));
        let words = format!("PostgreSQL {}", server.text("version")?);
        findings.push(if server.int("number")? >= OLDEST {
            Finding::good("server", words)
        } else {
            Finding::new("server", Level::Warning, words, "this is older than what kanado is tested with (13 and later)")
        });
        findings.push(if server.borrowed("fsync")? == "on" && server.borrowed("synchronous")? != "off" {
            Finding::good("durability", "what is committed survives a power cut")
        } else {
            Finding::new(
                "durability",
                Level::Warning,
                "the server says that something is committed before the disk has it (fsync or synchronous_commit is off)",
                "turn both on: a delivery that was acknowledged could be lost",
            )
        });
        let local = matches!(server.borrowed("address")?, "" | "127.0.0.1/32" | "::1/128" | "127.0.0.1" | "::1");
        findings.push(match server.borrowed("encrypted")? {
            "yes" => Finding::good("encryption", "the connection is encrypted"),
            _ if local => Finding::good("encryption", "the server is on this machine"),
            _ => Finding::new(
                "encryption",
                Level::Warning,
                "the connection to the server is not encrypted",
                "add ?sslmode=verify-full to the URL, and turn TLS on in the server",
            ),
        });
        let (used, allowed) = (server.int("used")?, server.int("allowed")?);
        let words = format!("{used} of {allowed} connections in use");
        findings.push(if used * 10 < allowed * 9 {
            Finding::good("connections", words)
        } else {
            Finding::new("connections", Level::Warning, words, "raise max_connections, or put a pooler in front")
        });
        findings.push(Finding::good("space", format!("the database takes {} MiB", server.int("size")? / (1024 * 1024))));
        Ok(findings)
    }
}
