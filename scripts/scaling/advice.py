"""What is neither measured nor computed: how to add a shard, replicas, what to watch, and what is not known."""

__all__ = ["LIMITS", "REPLICAS", "SHARD", "WATCHING"]

SHARD = """
## Adding a shard

**Advice**, by how Calltally and ClickHouse are built. A call is on the shard that `cityHash64` of its id says, modulo
the number of shards (its place by the same hash, and what is known of a business by that of the business). Another
number of shards is another place for most calls, and ClickHouse moves nothing by itself. **So never add a shard to
the cluster that is in use**: Calltally would look for rows, and write newer ones, where the old ones are not. Give
the larger cluster a name and a database of its own, on the same servers and the new one, and copy:

1. Leave the definition of `calls` in `remote_servers` as it is on every server, and add another one with all the
   shards, the new one last. Servers
   [take up a changed list of clusters](https://clickhouse.com/docs/engines/table-engines/special/distributed) without
   a restart.

   ```xml
   <remote_servers>
     <calls><!-- the shards that there are --></calls>
     <calls2><!-- the same, and --><shard>
       <internal_replication>true</internal_replication>
       <replica><host>db3</host><port>9000</port><user>calltally</user><password>PASSWORD</password></replica>
     </shard></calls2>
   </remote_servers>
   ```

2. Make the tables. The database has to be another one, or the tables of the smaller cluster are in the way:

   ```sh
   export OLD='clickhouse://calltally:PASSWORD@db1:9000,db2:9000/calltally?cluster=calls'
   export CALLTALLY_ENGINE='clickhouse://calltally:PASSWORD@db1:9000,db2:9000,db3:9000/calltally2?cluster=calls2'
   calltally engine init
   ```

3. Stop whoever writes, copy, and start with the new address:

   ```sh
   systemctl stop calltally
   calltally migrate --from "$OLD" --to CALLTALLY_ENGINE
   calltally engine status
   systemctl start calltally  # once its unit has the new CALLTALLY_ENGINE
   ```

   It [goes on where it was stopped, and proves at the end](operating.md#moving-to-a-cluster-and-back) that both sides
   have the same calls and give the same reports.

4. Once you are content, drop the old database on every server that had it: `DROP DATABASE calltally`. Until then there
   is everything twice on the old servers: have room for it.

- **Writers meanwhile.** The command takes the data folder for itself, so that one server is down until the end. With
  [several nodes](operating.md#several-nodes), whose folders are their own, run it on a machine beside them: they may
  go on answering reports from the old cluster, but nobody may write. A business that is written to while it is copied
  ends the command with an error, and is copied anew by the next one. Whoever sends calls gets no answer and sends
  them again; vendors' calls are had by [pulling](syncing.md).
- **Half-way** nobody sees anything: reports about a business that is being copied are refused on the new cluster until
  all of it is there.
- **Fewer, larger servers first** (**advice**): memory, cores and disks of a server can grow without moving a call.
"""
REPLICAS = """
## Replicas

**Advice**, by how Calltally is built; the promises are in [Running Calltally](operating.md#on-a-clickhouse-cluster).
Replicas are for servers that fail. They take as many times the disk, and every write waits for most of them; reports
are asked of the first that is well, so that they get no faster by them. With two, reports go on without one, writes
wait until it is back; with three, both go on. They need ZooKeeper or Keeper, three of them on machines of their own.
For machines and disks ClickHouse has a
[guide](https://clickhouse.com/docs/guides/oss/best-practices/sizing-and-hardware-recommendations), and asks for
[a network of 10 Gbit a second](https://clickhouse.com/docs/get-started/setup/self-managed/debian-ubuntu).

To add a replica to a shard: write it into `remote_servers` of every server and run `calltally engine init`; it fetches
what it lacks. That holds for shards whose tables were made replicated: others are copied to a new database, as above.
"""
WATCHING = """
## What to watch

**Advice**, by how Calltally is built:

- **`calltally engine status`** (`--json` for programs): every server with its rows, size, bytes a row, `parts`,
  `merges` under way, and what a replica waits for. It ends with 1 if a server does not answer. Parts that grow from
  day to day mean that writes are too small or too many: send calls in arrays.
  [ClickHouse's advice](https://clickhouse.com/docs/optimize/bulk-inserts) is about one insert a second of 10,000 rows
  or more. A `waiting` that does not go back to 0 means that a replica does not catch up.
- **Bytes a row** well above those measured, and rows well above the calls, mean that replaced rows are not merged yet.
- **Disk**: half of it free on every server, since a merge needs room for what it writes.
- **`Server-Timing`** of reports: the step `engine` is the database's time. Its 95th percentile in the log of the proxy
  says when to plan for shards: long before `CALLTALLY_REPORT_SECONDS`, after which reports are answered 503.
- **`desc="file"`** in `Server-Timing` of the embedded engine, again and again for a business that people look at: its
  columns do not fit.
- **503 and 507** in the log of the proxy: not enough places, time or disk.
"""
LIMITS = """
## What these figures do not say

- **One machine of {cores} cores** was measured. That twice the shards take half the time is arithmetic; a network, a
  slow disk and other people's reports are not in it. Everything measured was in the page cache.
- **Each call is read with `FINAL`**, so that corrections count once: that costs more the more parts a month has. The
  figures are those of merged months; right after a large import reports are slower.
- **Callers** that are counted exactly are sets that have to be brought together on one server: neither shards nor
  cores help with that, and it needs memory.
- **ClickHouse {cluster_version}** is years old, and slower than what you would install today. chDB is of today, but
  has no network.
- **Growth** is taken to be linear beyond {calls} calls.
- **The embedded engine** was never run with a billion calls in one business.
"""
