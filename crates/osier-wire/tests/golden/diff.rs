//! A line diff, small and quadratic: golden files are short.

/// The lines that differ, with `-` and `+`, and two lines around them.
pub(crate) fn lines(left: &str, right: &str) -> String {
    let left: Vec<&str> = left.lines().collect();
    let right: Vec<&str> = right.lines().collect();
    // common[i][j]: longest common subsequence of what follows.
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    while i < left.len() || j < right.len() {
        let same = i < left.len() && j < right.len() && left[i] == right[j];
        if same {
            all.push((' ', left[i]));
            i += 1;
            j += 1;
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            all.push(('-', left[i]));
            i += 1;
        } else {
            all.push(('+', right[j]));
            j += 1;
        }
    }
    let near = |at: usize| {
        all[at.saturating_sub(2)..(at + 3).min(all.len())]
            .iter()
            .any(|(mark, _)| *mark != ' ')
    };
    let mut told = String::new();
    for (at, (mark, line)) in all.iter().enumerate() {
        if near(at) {
            told.push(*mark);
            told.push_str(line);
            told.push('\n');
        }
    }
    told
}
