"""How a business's file came to its present tables, step by step."""

__all__ = ["MIGRATIONS", "VERSIONED"]

# The fields whose versions are in the list `versions` of a call, in its order, which is that of the bits of `cleared`
# too. It is that of stored calls: a new field goes to the end, and none ever moves or goes.
VERSIONED = (
    "started_at",
    "caller_number",
    "tracking_number",
    "destination_number",
    "direction",
    "status",
    "duration_seconds",
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "call_flow",
    "call_flow_id",
    "number_id",
    "number_group_id",
    "ai_score",
    "robo_score",
    "ai_category",
    "qualified",
    "value_cents",
    "cost_cents",
)

# Statements that lead from each schema version to the next; names in braces stand for the tables. A released entry is
# never edited, nor made from the catalog, which grows: what changes the tables is a new one.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE {calls} (
            id VARCHAR NOT NULL, started_at TIMESTAMP, caller_number VARCHAR, tracking_number VARCHAR,
            destination_number VARCHAR, direction VARCHAR, status VARCHAR, duration_seconds INTEGER,
            source VARCHAR, utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR,
            utm_content VARCHAR, call_flow VARCHAR, call_flow_id VARCHAR, number_id VARCHAR,
            number_group_id VARCHAR, ai_score UTINYINT, robo_score UTINYINT, ai_category VARCHAR,
            qualified BOOLEAN, value_cents BIGINT, cost_cents BIGINT, version BIGINT,
            versions STRUCT(
                started_at BIGINT, caller_number BIGINT, tracking_number BIGINT, destination_number BIGINT,
                direction BIGINT, status BIGINT, duration_seconds BIGINT, source BIGINT, utm_source BIGINT,
                utm_medium BIGINT, utm_campaign BIGINT, utm_term BIGINT, utm_content BIGINT, call_flow BIGINT,
                call_flow_id BIGINT, number_id BIGINT, number_group_id BIGINT, ai_score BIGINT,
                robo_score BIGINT, ai_category BIGINT, qualified BIGINT, value_cents BIGINT, cost_cents BIGINT
            )
        )""",
        "CREATE TABLE {meta} (schema_version INTEGER NOT NULL)",
        "INSERT INTO {meta} VALUES (0)",
    ),
    (
        "ALTER TABLE {meta} ADD COLUMN data_version VARCHAR",  # a new one at each commit
        "UPDATE {meta} SET data_version = gen_random_uuid()",
        # A number for each caller number that there is or was, from 0 on without a gap.
        "CREATE TABLE {codes} (value VARCHAR, code INTEGER)",
        """INSERT INTO {codes} SELECT caller_number, row_number() OVER () - 1 FROM (
            SELECT DISTINCT caller_number FROM {calls} WHERE caller_number IS NOT NULL
        )""",
        "ALTER TABLE {calls} RENAME TO former_calls",
        """CREATE TABLE {calls} (
            id VARCHAR, started_at TIMESTAMP, caller_number VARCHAR, tracking_number VARCHAR,
            destination_number VARCHAR, direction VARCHAR, status VARCHAR, duration_seconds INTEGER,
            source VARCHAR, utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR,
            utm_content VARCHAR, call_flow VARCHAR, call_flow_id VARCHAR, number_id VARCHAR,
            number_group_id VARCHAR, ai_score SMALLINT, robo_score SMALLINT, ai_category VARCHAR,
            qualified BOOLEAN, value_cents BIGINT, cost_cents BIGINT, version BIGINT,
            versions BIGINT[], quarter_hour INTEGER, caller_code INTEGER
        )""",
        """INSERT INTO {calls} BY NAME
        SELECT
            former.* REPLACE (CASE WHEN versions IS NOT NULL THEN [
                versions.started_at, versions.caller_number, versions.tracking_number,
                versions.destination_number, versions.direction, versions.status, versions.duration_seconds,
                versions.source, versions.utm_source, versions.utm_medium, versions.utm_campaign,
                versions.utm_term, versions.utm_content, versions.call_flow, versions.call_flow_id,
                versions.number_id, versions.number_group_id, versions.ai_score, versions.robo_score,
                versions.ai_category, versions.qualified, versions.value_cents, versions.cost_cents
            ] END AS versions),
            epoch_us(started_at) // 900000000 AS quarter_hour,
            code AS caller_code
        FROM {former_calls} AS former LEFT JOIN {codes} AS codes ON codes.value = former.caller_number""",
        "DROP TABLE {former_calls}",
    ),
    (
        # What finds a call or a code by its text without reading the texts: the lower half of their MD5. The texts
        # that hardly repeat are not compressed: to get one back, DuckDB would unpack those of thousands of calls.
        "ALTER TABLE {codes} RENAME TO former_codes",
        "CREATE TABLE {codes} (value VARCHAR USING COMPRESSION uncompressed, code INTEGER, value_hash UBIGINT)",
        "INSERT INTO {codes} SELECT value, code, md5_number_lower(value) FROM {former_codes}",
        "DROP TABLE {former_codes}",
        "ALTER TABLE {calls} RENAME TO former_calls",
        """CREATE TABLE {calls} (
            id VARCHAR USING COMPRESSION uncompressed, started_at TIMESTAMP,
            caller_number VARCHAR USING COMPRESSION uncompressed, tracking_number VARCHAR,
            destination_number VARCHAR, direction VARCHAR, status VARCHAR, duration_seconds INTEGER,
            source VARCHAR, utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR,
            utm_content VARCHAR, call_flow VARCHAR, call_flow_id VARCHAR, number_id VARCHAR,
            number_group_id VARCHAR, ai_score SMALLINT, robo_score SMALLINT, ai_category VARCHAR,
            qualified BOOLEAN, value_cents BIGINT, cost_cents BIGINT, version BIGINT,
            cleared BIGINT, versions BIGINT[], quarter_hour INTEGER, caller_code INTEGER, id_hash UBIGINT,
            changed_at BIGINT
        )""",
        """INSERT INTO {calls} BY NAME
        SELECT *, md5_number_lower(id) AS id_hash, epoch_us(now()) AS changed_at FROM {former_calls}""",
        "DROP TABLE {former_calls}",
        # What is said of calls that nobody has said the start of.
        """CREATE TABLE {held} (
            id VARCHAR, started_at TIMESTAMP, caller_number VARCHAR, tracking_number VARCHAR,
            destination_number VARCHAR, direction VARCHAR, status VARCHAR, duration_seconds INTEGER,
            source VARCHAR, utm_source VARCHAR, utm_medium VARCHAR, utm_campaign VARCHAR, utm_term VARCHAR,
            utm_content VARCHAR, call_flow VARCHAR, call_flow_id VARCHAR, number_id VARCHAR,
            number_group_id VARCHAR, ai_score SMALLINT, robo_score SMALLINT, ai_category VARCHAR,
            qualified BOOLEAN, value_cents BIGINT, cost_cents BIGINT, version BIGINT,
            cleared BIGINT, versions BIGINT[], id_hash UBIGINT
        )""",
        "CREATE TABLE {deleted} (id VARCHAR, id_hash UBIGINT, deleted_at BIGINT)",
        # The callers whose numbers were erased: SHA-256 of the key, a colon and the number, in hex.
        "CREATE TABLE {erased} (hash VARCHAR)",
        "ALTER TABLE {meta} ADD COLUMN erasure_key VARCHAR",  # made at the first erasure
        "ALTER TABLE {meta} ADD COLUMN to_rewrite BOOLEAN",  # the file still has bytes of what was erased
        "UPDATE {meta} SET to_rewrite = false",
    ),
    (
        # The key by which a code is found is the number itself where the value is one: no other has it, so that there
        # is nothing more to look at. Of other values it is the hash as before, with the highest bit set.
        "ALTER TABLE {codes} RENAME TO former_codes",
        "CREATE TABLE {codes} (value VARCHAR USING COMPRESSION uncompressed, code INTEGER, value_key UBIGINT)",
        """INSERT INTO {codes} SELECT value, code,
            CASE WHEN regexp_full_match(value, '\\+[1-9][0-9]{{0,14}}') THEN value[2:]::UBIGINT
            ELSE value_hash | 9223372036854775808::UBIGINT END
        FROM {former_codes}""",
        "DROP TABLE {former_codes}",
    ),
)
