//! On-demand prices of ElastiCache nodes, for an estimate before anything is created. Not a bill.
//!
//! The page that has them is <https://aws.amazon.com/elasticache/pricing/> (on-demand nodes, Redis OSS, us-east-1 and
//! us-east-2). The table was written down from memory in 2025, without access to that page: nobody has compared the two
//! yet. `aws pricing get-products --service-code AmazonElastiCache` does.

use crate::core::rollout::{Cache, CacheEngine, Region};

/// What AWS calls a month.
const HOURS_A_MONTH: u64 = 730;

/// Regions in which the table holds.
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

/// Node types and their price for an hour, in thousandths of a US dollar.
const THOUSANDTHS_AN_HOUR: [(&str, u64); 20] = [
    ("cache.t2.micro", 17),
    ("cache.t2.small", 34),
    ("cache.t2.medium", 68),
    ("cache.t3.micro", 17),
    ("cache.t3.small", 34),
    ("cache.t3.medium", 68),
    ("cache.t4g.micro", 16),
    ("cache.t4g.small", 32),
    ("cache.t4g.medium", 65),
    ("cache.m5.large", 156),
    ("cache.m5.xlarge", 311),
    ("cache.m6g.large", 149),
    ("cache.m6g.xlarge", 297),
    ("cache.m7g.large", 158),
    ("cache.m7g.xlarge", 315),
    ("cache.r5.large", 216),
    ("cache.r6g.large", 206),
    ("cache.r6g.xlarge", 411),
    ("cache.r7g.large", 219),
    ("cache.r7g.xlarge", 437),
];

/// US dollars a month for the whole replication group, rounded up; `None` when the table does not know the node type
/// or the region.
///
/// Valkey nodes are taken to cost 20 % less than Redis OSS nodes, as AWS announced; compare that, too.
pub fn monthly_usd(cache: &Cache, region: &Region) -> Option<u32> {
    if !REGIONS.contains(&region.as_str()) {
        return None;
    }
    let (_, hourly) = THOUSANDTHS_AN_HOUR.iter().find(|(node_type, _)| *node_type == cache.node_type)?;
    let percent = match cache.engine {
        CacheEngine::Redis => 100,
        CacheEngine::Valkey => 80,
    };
    let nodes = 1 + u64::from(cache.replicas);
    u32::try_from((hourly * percent * HOURS_A_MONTH * nodes).div_ceil(100 * 1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rollout::{CacheAuth, CacheTls, Port, RefusedSource, TlsMode};

    fn cache(engine: CacheEngine, node_type: &str, replicas: u32) -> Cache {
        Cache {
            engine,
            engine_version: "7.1".into(),
            node_type: node_type.into(),
            replicas,
            port: Port::try_from(6379).unwrap(),
            tls: CacheTls { mode: TlsMode::Off, ca_file: None },
            auth: CacheAuth::None,
            refused_from: vec![RefusedSource::Operator],
            latency_p99: std::time::Duration::from_millis(250).into(),
        }
    }

    #[test]
    fn every_node_is_paid_for_and_cents_are_rounded_up() {
        let ohio: Region = "us-east-2".parse().unwrap();
        // 0.032 * 730 = 23.36
        assert_eq!(monthly_usd(&cache(CacheEngine::Redis, "cache.t4g.small", 0), &ohio), Some(24));
        assert_eq!(monthly_usd(&cache(CacheEngine::Redis, "cache.t4g.small", 1), &ohio), Some(47));
        assert_eq!(monthly_usd(&cache(CacheEngine::Valkey, "cache.t4g.small", 1), &ohio), Some(38));
    }

    #[test]
    fn what_is_not_in_the_table_has_no_price() {
        let ohio: Region = "us-east-2".parse().unwrap();
        assert_eq!(monthly_usd(&cache(CacheEngine::Redis, "cache.z9.huge", 0), &ohio), None);
        let elsewhere: Region = "eu-west-3".parse().unwrap();
        assert_eq!(monthly_usd(&cache(CacheEngine::Redis, "cache.t4g.small", 0), &elsewhere), None);
    }
}
