//! Who may import whom. The table here and the one in ARCHITECTURE.md are the
//! same, row by row; a crate imports only crates of later rows.
//!
//! What a crate itself uses must stand in its row. Its tests may use any crate
//! of a later row as well, but nothing above it.

use std::path::Path;

use anyhow::{Context, bail};

use crate::metadata::{Metadata, Package};

/// A crate and the crates of this workspace that it may import.
pub(crate) struct Layer {
    name: &'static str,
    imports: &'static [&'static str],
}

/// Top-down: every crate stands above all that it imports.
pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        name: "osier-bench",
        imports: &["osier-types"],
    },
    Layer {
        name: "osier",
        imports: &["osier-server"],
    },
    Layer {
        name: "osier-server",
        imports: &[
            "osier-service",
            "osier-gateway",
            "osier-image-service",
            "osier-http",
            "osier-store",
            "osier-wire",
            "osier-engine-local",
            "osier-engine",
            "osier-cdn",
            "osier-auth",
            "osier-types",
        ],
    },
    Layer {
        name: "osier-service",
        imports: &[
            "osier-store",
            "osier-image-service",
            "osier-image",
            "osier-wire",
            "osier-cdn",
            "osier-auth",
            "osier-types",
        ],
    },
    Layer {
        name: "osier-gateway",
        imports: &[
            "osier-cache",
            "osier-cache-disk",
            "osier-image-service",
            "osier-image",
            "osier-http",
            "osier-auth",
            "osier-types",
        ],
    },
    Layer {
        name: "osier-cache",
        imports: &["osier-types"],
    },
    Layer {
        name: "osier-cache-disk",
        imports: &[],
    },
    Layer {
        name: "osier-http",
        imports: &[],
    },
    Layer {
        name: "osier-store",
        imports: &["osier-engine", "osier-types"],
    },
    Layer {
        name: "osier-image-service",
        imports: &["osier-image", "osier-types"],
    },
    Layer {
        name: "osier-image",
        imports: &[
            "osier-image-codec",
            "osier-image-font",
            "osier-image-scale",
            "osier-types",
        ],
    },
    Layer {
        name: "osier-image-codec",
        imports: &[],
    },
    Layer {
        name: "osier-image-font",
        imports: &[],
    },
    Layer {
        name: "osier-image-scale",
        imports: &[],
    },
    Layer {
        name: "osier-wire",
        imports: &["osier-cdn", "osier-auth", "osier-types"],
    },
    Layer {
        name: "osier-engine-local",
        imports: &["osier-engine", "osier-types"],
    },
    Layer {
        name: "osier-engine",
        imports: &[],
    },
    Layer {
        name: "osier-cdn",
        imports: &["osier-types"],
    },
    Layer {
        name: "osier-auth",
        imports: &["osier-types"],
    },
    Layer {
        name: "osier-types",
        imports: &[],
    },
];

/// Outside crates that do I/O or start threads, and the members that may use them.
const RESERVED: &[(&str, &[&str])] = &[
    ("rocksdb", &["osier-engine-local"]),
    ("hyper", &["osier-http"]),
    (
        "tokio",
        &[
            "osier",
            "osier-bench",
            "osier-engine",
            "osier-engine-local",
            "osier-gateway",
            "osier-http",
            "osier-image-service",
            "osier-server",
            "osier-service",
            "osier-store",
        ],
    ),
    (
        "rustix",
        &[
            "osier",
            "osier-bench",
            "osier-engine-local",
            "osier-http",
            "osier-server",
        ],
    ),
    ("socket2", &["osier-bench", "osier-http", "osier-server"]),
];

/// Fails on an edge that the table does not allow, and when ARCHITECTURE.md shows another table.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> anyhow::Result<()> {
    let mut wrong = disorder(LAYERS);
    wrong.extend(violations(LAYERS, RESERVED, &metadata.packages));
    let path = root.join("ARCHITECTURE.md");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
    let shown = table_rows(&text);
    let expected: Vec<String> = LAYERS.iter().map(row).collect();
    if shown != expected {
        wrong.push(format!(
            "ARCHITECTURE.md shows another table than the one checked; it must read:\n{}",
            expected.join("\n")
        ));
    }
    if wrong.is_empty() {
        println!(
            "layers: {} crates stand where they should",
            metadata.packages.len()
        );
        return Ok(());
    }
    bail!("{}", wrong.join("\n"))
}

/// Rows that import what does not stand below them.
fn disorder(layers: &[Layer]) -> Vec<String> {
    layers
        .iter()
        .enumerate()
        .flat_map(|(place, layer)| {
            layer.imports.iter().filter_map(move |import| {
                let below = layers
                    .iter()
                    .skip(place + 1)
                    .any(|other| other.name == *import);
                (!below).then(|| {
                    format!(
                        "the table lets {} import {import}, which does not stand below it",
                        layer.name
                    )
                })
            })
        })
        .collect()
}

fn violations(layers: &[Layer], reserved: &[(&str, &[&str])], packages: &[Package]) -> Vec<String> {
    let place = |name: &str| layers.iter().position(|layer| layer.name == name);
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|package| package.name != "xtask") {
        let Some(own) = place(&package.name) else {
            wrong.push(format!("{} is in no row of the table", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let testing = dependency.kind.as_deref() == Some("dev");
            if let Some(other) = place(&dependency.name) {
                let listed = layers
                    .get(own)
                    .is_some_and(|layer| layer.imports.contains(&dependency.name.as_str()));
                if other <= own && package.name != dependency.name {
                    wrong.push(format!(
                        "{} imports {}, which stands above it",
                        package.name, dependency.name
                    ));
                } else if !listed && !testing {
                    wrong.push(format!(
                        "{} imports {}, which its row does not list",
                        package.name, dependency.name
                    ));
                }
            }
            let keeper = reserved
                .iter()
                .find(|(outside, _)| *outside == dependency.name);
            if let Some((outside, members)) = keeper
                && !testing
                && !members.contains(&package.name.as_str())
            {
                wrong.push(format!("{} must not use {outside}", package.name));
            }
        }
    }
    wrong
}

/// A row as ARCHITECTURE.md shows it.
fn row(layer: &Layer) -> String {
    let imports = if layer.imports.is_empty() {
        "nothing".to_owned()
    } else {
        layer
            .imports
            .iter()
            .map(|import| format!("`{import}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!("| `{}` | {imports} |", layer.name)
}

/// The rows of the first table after the heading "Layers".
fn table_rows(text: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| *line != "## Layers")
        .skip_while(|line| !line.starts_with('|'))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    const SMALL: &[Layer] = &[
        Layer {
            name: "top",
            imports: &["middle"],
        },
        Layer {
            name: "middle",
            imports: &[],
        },
        Layer {
            name: "bottom",
            imports: &[],
        },
    ];

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            license: None,
            source: None,
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        }
    }

    fn of(packages: &[Package]) -> Vec<String> {
        violations(SMALL, &[("database", &["bottom"])], packages)
    }

    #[test]
    fn listed_edges_pass() {
        let top = package("top", &[("middle", None), ("serde", None)]);
        let bottom = package("bottom", &[("database", None)]);
        assert!(of(&[top, bottom]).is_empty());
    }

    #[test]
    fn upward_edges_fail_even_in_tests() {
        for kind in [None, Some("dev"), Some("build")] {
            let found = of(&[package("bottom", &[("top", kind)])]);
            assert_eq!(found, ["bottom imports top, which stands above it"]);
        }
    }

    #[test]
    fn unlisted_edges_fail_except_in_tests() {
        let found = of(&[package("top", &[("bottom", None)])]);
        assert_eq!(found, ["top imports bottom, which its row does not list"]);
        assert!(of(&[package("top", &[("bottom", Some("dev"))])]).is_empty());
    }

    #[test]
    fn strangers_and_reserved_crates_fail() {
        let found = of(&[package("stray", &[])]);
        assert_eq!(found, ["stray is in no row of the table"]);
        let found = of(&[package("top", &[("database", None)])]);
        assert_eq!(found, ["top must not use database"]);
    }

    #[test]
    fn the_table_is_in_order() {
        assert_eq!(disorder(LAYERS), Vec::<String>::new());
        let upside_down = [
            Layer {
                name: "low",
                imports: &[],
            },
            Layer {
                name: "high",
                imports: &["low"],
            },
        ];
        assert_eq!(disorder(&upside_down).len(), 1);
    }

    #[test]
    fn rows_are_found_under_their_heading() {
        let text = "| a | b |\n## Layers\ntext\n| crate | may import |\n|---|---|\n| `x` | nothing |\n\n| no |";
        assert_eq!(table_rows(text), ["| `x` | nothing |"]);
        let middle = SMALL.get(1).map(row);
        assert_eq!(middle.as_deref(), Some("| `middle` | nothing |"));
    }
}
