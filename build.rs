//! Embeds the explorer's files into the binary: the bundle if `explorer/dist` has one, otherwise the files that load the
//! libraries from a CDN. The script never runs Node and never uses the network.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files of the bundle: their folder and their names.
const BUNDLE: (&str, &[&str]) = ("explorer/dist", &["explorer.css", "explorer.js"]);
/// The files for a binary without the bundle.
const CDN_PAGE: (&str, &[&str]) = ("explorer/src", &["page.css", "outside.js", "start.js"]);

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let root = variable("CARGO_MANIFEST_DIR")?;
    let is_built = BUNDLE.1.iter().all(|name| root.join(BUNDLE.0).join(name).is_file());
    let (folder, names) = if is_built { BUNDLE } else { CDN_PAGE };

    let mut source = format!("pub(super) const BUILT: bool = {is_built};\n");
    source.push_str("pub(super) static FILES: &[super::File] = &[\n");
    for name in names {
        write_file(&mut source, name, &root.join(folder).join(name))?;
    }
    source.push_str("];\n");
    fs::write(variable("OUT_DIR")?.join("explorer_files.rs"), source)?;

    // The repository contains the empty `dist` folder. Without it, cargo would run this script in every build.
    for path in [BUNDLE.0, CDN_PAGE.0, "build.rs"] {
        writeln!(io::stdout(), "cargo::rerun-if-changed={path}")?;
    }
    Ok(())
}

/// Adds one file to the table: its name, a hash of its content, and the content.
fn write_file(source: &mut String, name: &str, path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let hash = hasher.finish();
    let line = format!("super::File {{ name: {name:?}, hash: \"{hash:016x}\", bytes: include_bytes!({path:?}) }},");
    writeln!(source, "    {line}").map_err(io::Error::other)
}
