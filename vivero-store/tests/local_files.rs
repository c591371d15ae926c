//! What only a folder can do: be killed in the middle, be looked into, be damaged.

use futures_util::{StreamExt as _, stream};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use vivero_core::files::{
    Area, ByteRange, FileKey, FilePrefix, FileStore as _, MAX_LIST, Upload, Usage,
};
use vivero_core::{ErrorKind, FileId, TenantId, Uuid};
use vivero_store::LocalFiles;

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001))
}
fn key(number: u128) -> FileKey {
    FileKey::stored(FileId::from_uuid(Uuid::from_u128((0x0190_u128 << 112) | number)))
}

/// Every path below a folder, folders included.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(paths(&path)) } else { found.push(path) }
    }
    found
}
fn files(folder: &Path) -> Vec<PathBuf> {
    paths(folder).into_iter().filter(|path| path.is_file()).collect()
}

/// What file `number` of the writer holds: its size and every byte follow from the number.
fn content(number: u128) -> Vec<u8> {
    let size = usize::try_from(number % 7).expect("fits") * 300_000 + 1;
    let pattern: Vec<u8> = (0..=250).flat_map(|i| (number + i).to_le_bytes()).collect();
    let mut content = pattern.repeat(size / pattern.len() + 1);
    content.truncate(size);
    content
}

const FOLDER: &str = "VIVERO_TEST_FOLDER";
const FIRST: &str = "VIVERO_TEST_FIRST";

fn say(words: impl std::fmt::Display) {
    println!("{words}");
    std::io::stdout().flush().expect("a line to the test");
}

/// The process that is killed: puts, promotes and copies files until then, and says how far it is.
async fn write_until_killed(folder: &str, first: u128) {
    let store = LocalFiles::open(folder).expect("opening the folder");
    for number in first.. {
        let key = key(number);
        let chunks: Vec<_> = content(number).chunks(50_000).map(<[u8]>::to_vec).collect();
        let chunks = stream::iter(chunks).map(|chunk| {
            say("chunk");
            Ok(chunk.into())
        });
        let waiting = key.in_area(Area::Quarantine);
        store.put(tenant(), waiting, Upload::new(chunks, 1 << 30)).await.expect("putting");
        say("put");
        store.promote(tenant(), key).await.expect("promoting");
        say("promoted");
        let copy = FileKey::new(Area::Stored, &[key.ids()[0], Uuid::from_u128(number)]);
        store.copy(tenant(), key, copy.expect("a key")).await.expect("copying");
        say(format_args!("stored {number}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_every_file_is_whole_and_none_is_lost() {
    if let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) {
        return write_until_killed(&folder, first.parse().expect("a number")).await;
    }
    let folder = tempfile::tempdir().expect("a folder of its own");
    let mut next = 0;
    for round in 0..16 {
        let mut child = Command::new(std::env::current_exe().expect("this test's own path"))
            .args(["--exact", "after_kill_9_every_file_is_whole_and_none_is_lost", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(FIRST, next.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process that writes");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        // Each round ends somewhere else: in a file, between its chunks, before and after it is named.
        for line in lines.map_while(Result::ok).take(20 + 7 * round) {
            if let Some((_, number)) = line.split_once("stored ") {
                next = number.parse::<u128>().expect("a number") + 1;
            }
        }
        child.kill().expect("a kill");
        child.wait().expect("its end");

        // A fresh handle, as after a restart.
        let store = LocalFiles::open(folder.path()).expect("opening the folder");
        check(&store, next).await;
        let before = files(folder.path()).len();
        let swept = store.sweep(chrono::DateTime::<chrono::Utc>::MAX_UTC).await.expect("sweeping");
        let gone = before - files(folder.path()).len();
        assert_eq!(swept, u64::try_from(gone).expect("fits"), "sweeping tells what it removed");
        assert!(swept <= 1, "one writer leaves one unfinished file at most");
        check(&store, next).await;
    }
    assert!(next >= 16, "only {next} files were stored");
}

/// Everything below `next` was acknowledged; whatever is visible is whole.
async fn check(store: &LocalFiles, next: u128) {
    let list = store.list(tenant(), &FilePrefix::all(), None, MAX_LIST).await.expect("a list");
    assert!(list.next.is_none(), "all of them are looked at");
    for file in &list.files {
        let number = file.key.ids()[0].as_u128() & 0xffff_ffff;
        let read = store.get(tenant(), file.key, None).await.expect("a file that is listed");
        let read = read.into_bytes().await.expect("a file whose checksum fits");
        assert!(read == content(number), "{} is whole", file.key);
    }
    for number in 0..next {
        let there = list.files.iter().filter(|f| f.key.ids()[0] == key(number).ids()[0]);
        let stored = there.filter(|f| f.key.area() == Area::Stored).count();
        assert_eq!(stored, 2, "file {number} and its copy were acknowledged");
    }
}

#[tokio::test]
async fn the_folder_is_closed_to_others() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let files = folder.path().join("files");
        LocalFiles::open(&files).expect("opening the folder");
        let mode = fs::metadata(&files).expect("the folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "for the service's own account only");
    }
}

#[tokio::test]
async fn paths_are_made_of_ids_and_stay_below_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalFiles::open(folder.path()).expect("opening the folder");
    for area in Area::ALL {
        for ids in [vec![Uuid::nil()], vec![Uuid::max(); 3], vec![Uuid::from_u128(7), Uuid::nil()]]
        {
            let key = FileKey::new(area, &ids).expect("a key");
            store.put(tenant(), key, Upload::of("x")).await.expect("putting");
        }
    }
    for path in paths(folder.path()) {
        let below = path.strip_prefix(folder.path()).expect("below the folder");
        for part in below.iter().map(|part| part.to_string_lossy()) {
            let known = matches!(&*part, "incoming" | "quarantine" | "stored");
            let hex = part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            assert!(known || hex, "{part} is made of ids");
        }
    }
    assert_eq!(files(folder.path()).len(), 6);
}

#[tokio::test]
async fn content_is_what_lies_before_the_trailer() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalFiles::open(folder.path()).expect("opening the folder");
    store.put(tenant(), key(1), Upload::of("bed;plants\n")).await.expect("putting");
    let [path] = &files(folder.path())[..] else { panic!("one file") };
    let stored = fs::read(path).expect("the file");
    assert_eq!(&stored[..stored.len() - 48], b"bed;plants\n", "as `head -c -48` shows it");
}

#[tokio::test]
async fn damage_is_found_and_never_served_as_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalFiles::open(folder.path()).expect("opening the folder");
    let content = content(2);
    store.put(tenant(), key(2), Upload::of(content.clone())).await.expect("putting");
    let [path] = &files(folder.path())[..] else { panic!("one file") };
    let whole = fs::read(path).expect("the file");

    // One bit of the content: found at the end of the whole, and what came before is an error's.
    let mut bent = whole.clone();
    bent[content.len() / 2] ^= 1;
    fs::write(path, &bent).expect("damage");
    let read = store.get(tenant(), key(2), None).await.expect("it opens").into_bytes().await;
    assert_eq!(read.expect_err("another checksum").code(), "data_damaged");
    assert_eq!(
        store.head(tenant(), key(2)).await.expect("it looks fine").expect("a file").size,
        content.len() as u64
    );

    for (how, damaged) in [
        ("emptied", &b""[..]),
        ("cut off in the trailer", &whole[..whole.len() - 1]),
        ("cut off in the content", &whole[..content.len() / 2]),
        ("without a trailer", &content[..]),
        ("longer", &[&whole[..], b"x"].concat()),
        ("cut out of the middle", &[&whole[..10], &whole[11..]].concat()),
    ] {
        fs::write(path, damaged).expect("damage");
        let got = store.get(tenant(), key(2), None).await.expect_err(how);
        assert_eq!(got.code(), "data_damaged", "{how}");
        let range = Some(ByteRange::From(1));
        let range = store.get(tenant(), key(2), range).await.expect_err(how);
        assert_eq!(range.code(), "data_damaged", "{how}");
        let head = store.head(tenant(), key(2)).await.expect_err(how);
        assert_eq!(head.code(), "data_damaged", "{how}");
        let moved = store.rename(tenant(), key(2), key(3)).await.expect_err(how);
        assert_eq!(moved.code(), "data_damaged", "{how}: damage is not moved about");
    }
    // What is damaged can be replaced and removed.
    store.put(tenant(), key(2), Upload::of("new")).await.expect("putting");
    let read = store.get(tenant(), key(2), None).await.expect("a file").into_bytes().await;
    assert_eq!(read.expect("sound again"), "new");
    fs::write(path, b"broken").expect("damage");
    store.delete(tenant(), key(2)).await.expect("deleting");
    assert_eq!(store.usage(tenant()).await.expect("the usage"), Usage::default());
}

#[tokio::test]
async fn a_file_cut_off_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalFiles::open(folder.path()).expect("opening the folder");
    store.put(tenant(), key(3), Upload::of(content(6))).await.expect("putting");
    let [path] = &files(folder.path())[..] else { panic!("one file") };
    for range in [None, Some(ByteRange::From(1_000_000))] {
        let download = store.get(tenant(), key(3), range).await.expect("it opens");
        let whole = fs::read(path).expect("the file");
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|f| f.set_len(1_500_000))
            .expect("damage");
        let cut = download.into_bytes().await.expect_err("fewer bytes than promised");
        assert_eq!(cut.code(), "data_damaged");
        fs::write(path, whole).expect("mending");
    }
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalFiles::open(folder.path()).expect("opening the folder");
    store.put(tenant(), key(0xabcdef), Upload::of("x")).await.expect("putting");
    let [path] = &files(folder.path())[..] else { panic!("one file") };
    let beside = path.parent().expect("its folder");
    let name = path.file_name().expect("its name").to_string_lossy().into_owned();
    for other in [format!("{name}.bak"), name.to_uppercase(), ".DS_Store".into(), "ä🌱".into()] {
        fs::write(beside.join(other), "not ours").expect("a file");
    }
    fs::write(beside.parent().expect("the area").join("zzz"), "not ours").expect("a file");
    fs::create_dir(beside.join("folder")).expect("a folder");
    let list = store.list(tenant(), &FilePrefix::all(), None, 10).await.expect("a list");
    assert_eq!(list.files.iter().map(|f| f.key).collect::<Vec<_>>(), [key(0xabcdef)]);
    assert_eq!(store.usage(tenant()).await.expect("the usage").bytes(), 1);
    assert_eq!(store.sweep(chrono::DateTime::<chrono::Utc>::MAX_UTC).await.expect("sweeping"), 0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    let refused = LocalFiles::open(file.join("files")).expect_err("a file is in the way");
    assert_eq!(refused.kind(), ErrorKind::Internal);

    let store = LocalFiles::open(folder.path().join("files")).expect("opening the folder");
    fs::remove_dir_all(folder.path().join("files")).expect("it is gone");
    let failed = store.put(tenant(), key(1), Upload::of("x")).await.expect_err("no folder");
    assert_eq!(failed.kind(), ErrorKind::Internal);
    store.ping().await.expect_err("no folder");
    assert_eq!(store.head(tenant(), key(1)).await.expect("nothing is there"), None);
}
