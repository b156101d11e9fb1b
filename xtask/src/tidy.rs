//! Prints the longest functions and files, for the author's eye. Never fails on length.

use std::path::{Path, PathBuf};

use anyhow::Context;

const SHOWN: usize = 10;

/// Prints them.
pub(crate) fn print(root: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        for path in rust_files(&root.join(folder))? {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading `{}`", path.display()))?;
            let place = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            files.push((text.lines().count(), place.display().to_string()));
            functions.extend(
                functions_of(&text)
                    .into_iter()
                    .map(|(lines, name)| (lines, format!("{name} ({})", place.display()))),
            );
        }
    }
    show("longest files", files);
    show("longest functions", functions);
    Ok(())
}

fn show(title: &str, mut entries: Vec<(usize, String)>) {
    entries.sort_by(|a, b| b.cmp(a));
    println!("{title}:");
    for (lines, name) in entries.iter().take(SHOWN) {
        println!("{lines:>6}  {name}");
    }
}

fn rust_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(found);
    };
    for entry in entries {
        let path = entry.context("reading a folder")?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Functions with their lengths. Relies on rustfmt: a body ends at the first
/// line that is a lone brace with the indentation of its `fn`.
fn functions_of(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content == "}"
            && let Some(place) = open.iter().rposition(|(deep, _, _)| *deep == indent)
        {
            let (_, start, name) = open.swap_remove(place);
            open.truncate(place);
            found.push((number - start + 1, name));
        } else if content.starts_with(')') && content.ends_with(';') {
            // The signature of a trait's required method ends without a body.
            if open.last().is_some_and(|(deep, _, _)| *deep == indent) {
                open.pop();
            }
        } else if let Some(name) = function_name(content)
            && !content.ends_with(';')
            && !content.ends_with('}')
        {
            open.push((indent, number, name));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let (before, after) = line.split_once("fn ")?;
    let modifiers = before.split_whitespace().all(|word| {
        word.starts_with("pub") || matches!(word, "async" | "const" | "unsafe" | "in" | "crate)")
    });
    let name: String = after
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    (modifiers && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::functions_of;

    #[test]
    fn lengths() {
        let text = "pub(crate) async fn outer() {\n    fn inner() {\n        1\n    }\n    2\n}\n\nfn short() {}\ntrait T {\n    fn none(&self);\n    fn wide(\n        &self,\n    ) -> u8;\n}\n";
        assert_eq!(
            functions_of(text),
            [(3, "inner".to_owned()), (6, "outer".to_owned())]
        );
    }
}
