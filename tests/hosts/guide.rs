//! `docs/embedding.md` is correct: its programs are those of the examples, and its commands, run in order, show the
//! first items.

use super::{Setup, root};

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/embedding.md")).unwrap()
}

/// The fenced blocks with their language and the title above them.
fn blocks(guide: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut title = String::new();
    for (index, part) in guide.split("```").enumerate() {
        if index % 2 == 1 {
            let (language, text) = part.split_once('\n').unwrap();
            found.push((title.clone(), language.to_owned(), text.to_owned()));
        } else if let Some(line) = part.lines().rfind(|line| line.starts_with('#')) {
            title = line.trim_start_matches('#').trim().to_owned();
        }
    }
    found
}

/// Code in the guide is part of a file that is built and run.
pub(crate) fn code_is_that_of_the_examples() -> Result<(), String> {
    let folders = [
        ("c", "c"),
        ("cpp", "cpp"),
        ("python", "python"),
        ("csharp", "csharp"),
        ("js", "node"),
        ("java", "java"),
        ("go", "go"),
    ];
    let mut count = 0;
    for (title, language, text) in blocks(&guide()) {
        let Some((_, folder)) = folders.iter().find(|(name, _)| *name == language) else { continue };
        let files = std::fs::read_dir(root().join("examples/hosts").join(folder)).unwrap();
        let is_there = files
            .map(|f| f.unwrap().path())
            .filter(|p| p.is_file())
            .any(|p| std::fs::read_to_string(p).unwrap().contains(&text));
        if !is_there {
            return Err(format!("{title}: this is in no file of examples/hosts/{folder}:\n{text}"));
        }
        count += 1;
    }
    if count < 3 { Err(format!("only {count} pieces of code were found")) } else { Ok(()) }
}

/// The commands under a language's title, with the library of this build instead of a release.
pub(crate) fn first_items(setup: &Setup, language: &str) -> Result<(), String> {
    let sandbox = setup.sandbox();
    let folder = setup.out().join(format!("guide-{}", language.replace('#', "sharp")));
    std::fs::create_dir_all(folder.join("target")).unwrap();
    for (link, to) in [
        ("include", root().join("include")),
        ("examples", root().join("examples")),
        ("target/release", setup.folder().to_owned()),
    ] {
        std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
    }
    let guide = guide();
    let wanted = |title: &str| title == language || title == "A mock server";
    let lines: Vec<String> = blocks(&guide)
        .into_iter()
        .filter(|(title, name, _)| name == "sh" && wanted(title))
        .flat_map(|(_, _, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        // The sandbox is running already.
        .filter(|line| !line.starts_with("opnode sandbox"))
        .map(|line| line.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", sandbox.port)))
        .collect();
    let script = format!("set -e\ncd {}\n{}\n", folder.display(), lines.join("\n"));
    let file = folder.join("commands.sh");
    std::fs::write(&file, script).unwrap();
    let told = setup.run(&format!("sh {}", file.display()), "")?;
    let items: Vec<&str> = told.lines().filter(|line| line.starts_with("{\"id\":")).collect();
    if items.len() == 60 && items[0].contains("Technician1") {
        Ok(())
    } else {
        Err(format!("{} items:\n{told}", items.len()))
    }
}
