//! The processes below another one, as /proc has them.

/// All of them, each before its own children.
pub fn descendants(parent: u32) -> Vec<u32> {
    children(parent).into_iter().flat_map(|child| std::iter::once(child).chain(descendants(child))).collect()
}

/// Those that it has started itself, or has inherited.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The command's name, in parentheses, may have spaces: the state and the parent come after it.
        let parents = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(1)?.parse().ok());
        parents == Some(parent)
    };
    all().filter(is_child).collect()
}

/// Every process that there is.
pub fn all() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
}
