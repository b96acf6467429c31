//! What `INFO` prints.

use crate::ports::CacheInfo;

/// Reads the fields; fails with the name of one that is not there.
pub(super) fn read(text: &str) -> Result<CacheInfo, &'static str> {
    let field = |name: &'static str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.trim().parse::<u64>().ok()).ok_or(name)
    };
    Ok(CacheInfo {
        clients: field("connected_clients")?,
        blocked_clients: field("blocked_clients")?,
        used_memory: field("used_memory")?,
        // 0 is no limit.
        max_memory: field("maxmemory").ok().filter(|limit| *limit > 0),
        evicted_keys: field("evicted_keys")?,
        // Not every server that speaks this protocol says it.
        rejected_connections: field("rejected_connections").unwrap_or(0),
        keyspace_hits: field("keyspace_hits")?,
        keyspace_misses: field("keyspace_misses")?,
        operations_per_second: field("instantaneous_ops_per_sec")?,
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    const PRINTED: &str = "# Clients\r\nconnected_clients:7\r\nblocked_clients:1\r\n# Memory\r\nused_memory:1048576\r\n\
         used_memory_human:1.00M\r\nmaxmemory:0\r\n# Stats\r\nevicted_keys:3\r\nrejected_connections:2\r\nkeyspace_hits:90\r\n\
         keyspace_misses:10\r\ninstantaneous_ops_per_sec:250\r\n";

    #[test]
    fn every_field_is_read_and_a_missing_one_is_named() {
        let info = read(PRINTED).expect("all fields");
        assert_eq!((info.clients, info.blocked_clients, info.used_memory), (7, 1, 1 << 20));
        assert_eq!(info.rejected_connections, 2);
        assert_eq!((info.evicted_keys, info.keyspace_hits, info.keyspace_misses), (3, 90, 10));
        assert_eq!((info.operations_per_second, info.max_memory), (250, None));
        assert_eq!(read(&PRINTED.replace("maxmemory:0", "maxmemory:9")).expect("fields").max_memory, Some(9));
        assert_eq!(read(&PRINTED.replace("evicted_keys", "gone")), Err("evicted_keys"));
    }
}
