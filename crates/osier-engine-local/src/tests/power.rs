//! Power cuts: what the device had written survives, everything in memory is lost.
//!
//! A loop device on a file system that can copy files at one moment: the copy of
//! its file, taken while the engine writes, is the disk after a power cut. Needs
//! root, loop devices and XFS; skipped with a reason where they are missing.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::crash::{Kept, check_after_a_crash, child, note_line};
use super::*;

/// Two file systems, one in a file of the other.
struct Bench {
    directory: tempfile::TempDir,
    mounted: Vec<PathBuf>,
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Bench {
    fn new() -> Option<Self> {
        let mut bench = Self {
            directory: tempfile::tempdir().unwrap(),
            mounted: Vec::new(),
        };
        let made = bench.image("outer.img", 1_500 << 20, "xfs", &["-m", "reflink=1"])
            && bench.mount("outer.img", "outer")
            && bench.image("outer/inner.img", 400 << 20, "ext4", &["-F"])
            && bench.mount("outer/inner.img", "inner");
        if !made {
            println!("skipped: loop devices with XFS and ext4 can't be mounted here");
            return None;
        }
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn image(&self, name: &str, bytes: u64, kind: &str, options: &[&str]) -> bool {
        let file = std::fs::File::create(self.path(name));
        let sized = file.is_ok_and(|file| file.set_len(bytes).is_ok());
        let name = self.text(name);
        let arguments: Vec<&str> = options.iter().copied().chain([name.as_str()]).collect();
        sized && run(&format!("mkfs.{kind}"), &arguments)
    }

    fn mount(&mut self, image: &str, at: &str) -> bool {
        std::fs::create_dir_all(self.path(at)).unwrap();
        let done = run("mount", &["-o", "loop", &self.text(image), &self.text(at)]);
        if done {
            self.mounted.push(self.path(at));
        }
        done
    }

    fn unmount(&mut self) {
        if let Some(path) = self.mounted.pop() {
            let done = run("umount", &[path.to_str().unwrap()]);
            assert!(done, "{} is busy", path.display());
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for path in self.mounted.drain(..).rev() {
            let _ = run("umount", &["-l", path.to_str().unwrap()]);
        }
    }
}

#[tokio::test]
async fn a_power_cut_loses_nothing_acknowledged() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let mut writer = child(&bench.path("inner/data"));
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut kept = Kept::default();
    let mut cuts = Vec::new();
    let mut seen = 0;
    for line in lines {
        if !note_line(&mut kept, &line.unwrap()) {
            continue;
        }
        seen += 1;
        if seen % 50 == 0 && cuts.len() < 3 {
            // What was acknowledged up to here must be in the copy.
            let image = format!("outer/cut{}.img", cuts.len());
            let (from, to) = (bench.text("outer/inner.img"), bench.text(&image));
            // Not synced: this must be lost, or the cuts prove nothing.
            let control = bench.path(&format!("inner/control{}", cuts.len()));
            std::fs::write(control, pattern(7, 100_000)).unwrap();
            assert!(run("cp", &["--reflink=always", &from, &to]));
            cuts.push((image, kept.clone()));
            if cuts.len() == 3 {
                writer.kill().unwrap();
                break;
            }
        }
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(cuts.len(), 3);
    for (number, (image, kept)) in cuts.into_iter().enumerate() {
        assert!(bench.mount(&image, "cut"));
        let control = std::fs::read(bench.path(&format!("cut/control{number}")));
        let control = control.unwrap_or_default();
        assert!(control != pattern(7, 100_000), "the cut lost nothing");
        check_after_a_crash(&bench.path("cut/data"), &kept, true).await;
        bench.unmount();
    }
    // With the writer gone.
    bench.unmount();
    bench.unmount();
}
