"""How the control database comes to have its tables, from any release before."""

__all__ = ["MIGRATIONS", "Migrations"]

Migrations = tuple[tuple[str, ...], ...]

# The statements that lead from version to version, the first to version 1. What was released is never changed: a
# change of `calltally.accounts.tables` is one more entry here. Written in what SQLite and PostgreSQL share.
MIGRATIONS: Migrations = (
    (
        """CREATE TABLE businesses (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            timezone TEXT NOT NULL,
            region TEXT NOT NULL,
            currency TEXT NOT NULL,
            generation INTEGER NOT NULL,
            created_at TIMESTAMP NOT NULL
        )""",
        """CREATE TABLE keys (
            id TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            prefix TEXT NOT NULL,
            secret_hash TEXT NOT NULL,
            name TEXT,
            scopes TEXT NOT NULL,
            created_at TIMESTAMP NOT NULL,
            last_used_at TIMESTAMP,
            revoked_at TIMESTAMP
        )""",
        "CREATE INDEX ix_keys_business_id ON keys (business_id)",
        "CREATE INDEX ix_keys_prefix ON keys (prefix)",
        "CREATE TABLE schema_version (version INTEGER NOT NULL)",
        "INSERT INTO schema_version (version) VALUES (0)",
    ),
    ("CREATE TABLE removals (store TEXT NOT NULL PRIMARY KEY)",),
    (
        """CREATE TABLE syncs (
            business_id TEXT NOT NULL REFERENCES businesses (id),
            vendor TEXT NOT NULL,
            address TEXT NOT NULL,
            generation INTEGER NOT NULL,
            complete_at TIMESTAMP,
            round_began_at TIMESTAMP,
            round_since TIMESTAMP,
            round_cursor TEXT,
            round_first_day DATE,
            round_last_day DATE,
            PRIMARY KEY (business_id, vendor)
        )""",
    ),
    (
        """CREATE TABLE webhooks (
            id TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            kind TEXT NOT NULL,
            name TEXT,
            header TEXT,
            secret TEXT,
            secret_hash TEXT,
            created_at TIMESTAMP NOT NULL,
            deleted_at TIMESTAMP
        )""",
        "CREATE INDEX ix_webhooks_business_id ON webhooks (business_id)",
        """CREATE TABLE ignored_events (
            webhook_id TEXT NOT NULL REFERENCES webhooks (id),
            event TEXT NOT NULL,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            times INTEGER NOT NULL,
            last_at TIMESTAMP NOT NULL,
            PRIMARY KEY (webhook_id, event)
        )""",
        "CREATE INDEX ix_ignored_events_business_id ON ignored_events (business_id)",
        """CREATE TABLE webhook_arrivals (
            webhook_id TEXT NOT NULL REFERENCES webhooks (id),
            body_sha256 TEXT NOT NULL,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            first_at TIMESTAMP NOT NULL,
            PRIMARY KEY (webhook_id, body_sha256)
        )""",
        "CREATE INDEX ix_webhook_arrivals_business_id ON webhook_arrivals (business_id)",
        # What PostgreSQL calls bytes is no word of SQLite's, which stores them as they are all the same.
        """CREATE TABLE dead_letters (
            id TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            webhook_id TEXT NOT NULL REFERENCES webhooks (id),
            arrived_at TIMESTAMP NOT NULL,
            reason TEXT NOT NULL,
            body BYTEA NOT NULL
        )""",
        "CREATE INDEX ix_dead_letters_business_id ON dead_letters (business_id)",
        "CREATE INDEX ix_dead_letters_webhook_id ON dead_letters (webhook_id)",
    ),
    (
        """CREATE TABLE sessions (
            token_hash TEXT NOT NULL PRIMARY KEY,
            chosen TEXT NOT NULL,
            created_at TIMESTAMP NOT NULL,
            expires_at TIMESTAMP NOT NULL,
            last_used_at TIMESTAMP NOT NULL
        )""",
        "CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)",
        """CREATE TABLE session_keys (
            token_hash TEXT NOT NULL REFERENCES sessions (token_hash),
            business_id TEXT NOT NULL REFERENCES businesses (id),
            key_id TEXT NOT NULL REFERENCES keys (id),
            PRIMARY KEY (token_hash, business_id)
        )""",
        "CREATE INDEX ix_session_keys_business_id ON session_keys (business_id)",
        """CREATE TABLE links (
            token_hash TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            key_id TEXT NOT NULL REFERENCES keys (id),
            expires_at TIMESTAMP NOT NULL
        )""",
        "CREATE INDEX ix_links_business_id ON links (business_id)",
        "CREATE INDEX ix_links_expires_at ON links (expires_at)",
    ),
    (
        """CREATE TABLE saved_reports (
            id TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            name TEXT NOT NULL,
            request TEXT NOT NULL,
            created_at TIMESTAMP NOT NULL,
            updated_at TIMESTAMP NOT NULL
        )""",
        "CREATE UNIQUE INDEX ix_saved_reports_name ON saved_reports (business_id, name)",
        """CREATE TABLE shares (
            id TEXT NOT NULL PRIMARY KEY,
            business_id TEXT NOT NULL REFERENCES businesses (id),
            key_id TEXT NOT NULL REFERENCES keys (id),
            token_hash TEXT NOT NULL,
            name TEXT,
            request TEXT NOT NULL,
            created_at TIMESTAMP NOT NULL,
            expires_at TIMESTAMP
        )""",
        "CREATE INDEX ix_shares_business_id ON shares (business_id)",
        "CREATE UNIQUE INDEX ix_shares_token_hash ON shares (token_hash)",
    ),
    ("CREATE TABLE turns (store TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL)",),
)
