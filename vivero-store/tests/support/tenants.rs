//! An installation with a tenant that has something to lose, on the engine of the test program.

#![expect(dead_code, reason = "each test file uses what it needs")]

#[path = "ground_on.rs"]
pub(crate) mod ground_on;

use async_trait::async_trait;
use chrono::TimeDelta;
pub(crate) use ground_on::Engine;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Notify;
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::files::{FileStore, NewFile, Upload};
use vivero_core::ids::FileId;
use vivero_core::operations::{NewOperation, Operation, OperationState};
use vivero_core::service::{FileSettings, RequestContext};
use vivero_core::{
    Clock, EntityFilter, Error, ManualClock, NewTenant, Owner, Page, Password, Result, Tenant,
    TenantSession, Vivero,
};
use vivero_store::{LocalFiles, Open as _, StepHook, SystemClock};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) fn tenant(slug: &str) -> NewTenant {
    NewTenant::trial(slug, Owner::new("owner@example.com", PASSWORD))
}

/// Stops a run before the nth step; counts from 0. A step that comes several times counts as often, or, where
/// each stop takes long, once.
#[derive(Debug, Default)]
pub(crate) struct Stopper {
    once: bool,
    seen: Mutex<BTreeSet<String>>,
    left: AtomicI64,
    armed: AtomicBool,
    stopped: Mutex<Option<String>>,
    /// Where a run is to be cut off, and where it is to be frozen.
    cuts: Mutex<Option<&'static str>>,
    freezes: Mutex<Option<&'static str>>,
    frozen: Notify,
    thawed: Notify,
}

impl Stopper {
    /// Stops the next run before that step.
    pub(crate) fn stop_before(&self, step: &'static str) {
        *self.cuts.lock().expect("a step") = Some(step);
    }
    /// Holds the next run before that step, as if its process were frozen, until it is thawed.
    pub(crate) fn freeze_at(&self, step: &'static str) {
        *self.freezes.lock().expect("a step") = Some(step);
    }
    /// Until it is.
    pub(crate) async fn frozen(&self) {
        self.frozen.notified().await;
    }
    pub(crate) fn thaw(&self) {
        self.thawed.notify_one();
    }
    pub(crate) fn stop_after(&self, steps: i64) {
        self.left.store(steps, Ordering::SeqCst);
        self.armed.store(true, Ordering::SeqCst);
    }
    fn stop(&self, step: &str) -> Result<()> {
        *self.stopped.lock().expect("a step") = Some(step.to_owned());
        Err(Error::internal("a test", format!("stopped before {step}")))
    }
    pub(crate) fn stopped_at(&self) -> Option<String> {
        self.stopped.lock().expect("a step").clone()
    }
}

#[async_trait]
impl StepHook for Stopper {
    async fn before(&self, _: &Operation, step: &str) -> Result<()> {
        let freezes = self.freezes.lock().expect("a step").take_if(|freezes| *freezes == step);
        if freezes.is_some() {
            self.frozen.notify_one();
            self.thawed.notified().await;
        }
        let cut = self.cuts.lock().expect("a step").take_if(|cuts| *cuts == step);
        if cut.is_some() {
            return self.stop(step);
        }
        if !self.armed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let new = self.seen.lock().expect("steps").insert(step.to_owned());
        if (new || !self.once) && self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return self.stop(step);
        }
        Ok(())
    }
}

/// The clock of the machine, which tests may set forward.
#[derive(Debug)]
pub(crate) struct Shifted {
    by: ManualClock,
}

impl Shifted {
    fn new() -> Self {
        Self { by: ManualClock::new(chrono::DateTime::UNIX_EPOCH) }
    }
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.by.advance(by);
    }
}

impl Clock for Shifted {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        SystemClock.now() + (self.by.now() - chrono::DateTime::UNIX_EPOCH)
    }
}

pub(crate) struct Ground {
    pub(crate) vivero: Vivero,
    pub(crate) hook: Arc<Stopper>,
    pub(crate) clock: Arc<Shifted>,
    pub(crate) engine: Engine,
    folder: Arc<TempDir>,
    next: Arc<AtomicU64>,
}

fn store_of(folder: &Path) -> Arc<dyn FileStore> {
    Arc::new(LocalFiles::with_durability(folder.join("files"), false).expect("a store of files"))
}

async fn open(folder: &Path, engine: &Engine, hook: &Arc<Stopper>, clock: &Arc<Shifted>) -> Vivero {
    let builder = Vivero::builder()
        .weak_passwords_for_tests()
        .durable(false)
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
        .archives(folder.join("archives"))
        .files(FileSettings::new(store_of(folder)))
        .step_hook(Arc::clone(hook) as Arc<dyn StepHook>);
    engine.configure(builder).open(&engine.url(folder)).await.expect("opening")
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let engine = Engine::new();
        let once = !matches!(engine, Engine::Sqlite);
        let hook = Arc::new(Stopper { once, ..Stopper::default() });
        let clock = Arc::new(Shifted::new());
        let vivero = open(folder.path(), &engine, &hook, &clock).await;
        vivero.tenants().provision(tenant("acme-plants")).await.expect("a tenant");
        Self { vivero, hook, clock, engine, folder, next: Arc::default() }
    }

    /// A new process on the same storage, after the old one's leases have ended.
    pub(crate) async fn restart(self) -> Self {
        let Self { vivero, hook: _, clock, engine, folder, next } = self;
        drop(vivero);
        clock.advance(TimeDelta::seconds(60));
        let hook = Arc::new(Stopper::default());
        let vivero = open(folder.path(), &engine, &hook, &clock).await;
        Self { vivero, hook, clock, engine, folder, next }
    }

    /// Another process on the same storage, which works at the same time.
    pub(crate) async fn beside(&self) -> Self {
        let hook = Arc::new(Stopper::default());
        let vivero = open(self.folder.path(), &self.engine, &hook, &self.clock).await;
        Self {
            vivero,
            hook,
            clock: Arc::clone(&self.clock),
            engine: self.engine,
            folder: Arc::clone(&self.folder),
            next: Arc::clone(&self.next),
        }
    }

    pub(crate) async fn sign_in(&self, slug: &str) -> TenantSession {
        let password = Password::new("owner@example.com", PASSWORD);
        self.vivero.sign_in(slug, password).await.expect("signed in")
    }

    pub(crate) async fn token(&self, slug: &str) -> String {
        let password = Password::new("owner@example.com", PASSWORD);
        let context = RequestContext::default();
        let signed = self.vivero.log_in(slug, password, None, context).await.expect("signed in");
        signed.tokens.access_token
    }

    pub(crate) async fn fill(&self, slug: &str, lots: u64) {
        let session = self.sign_in(slug).await;
        let mut work = session.begin().await.expect("a work");
        for _ in 0..lots {
            work.entities().create(lot(&self.next)).await.expect("a lot");
        }
        work.commit().await.expect("committed");
    }

    /// Uploads a file.
    pub(crate) async fn upload(&self, slug: &str, content: &'static str) -> FileId {
        let session = self.sign_in(slug).await;
        let file = session.files().upload(NewFile::new("notes.txt"), Upload::of(content)).await;
        file.expect("a file").id
    }

    /// What a tenant's file says.
    pub(crate) async fn content(&self, slug: &str, file: FileId) -> Result<String> {
        let session = self.sign_in(slug).await;
        let file = session.files().find(file).await?.expect("a file");
        let content = session.files().open(&file, None).await?.into_bytes().await?;
        Ok(String::from_utf8(content.into()).expect("text"))
    }

    pub(crate) async fn lots(&self, slug: &str) -> u64 {
        count(&self.sign_in(slug).await).await
    }

    /// The same as somebody who signed in before: signing in writes.
    pub(crate) async fn lots_by(&self, slug: &str, token: &str) -> u64 {
        count(&self.vivero.resume(slug, token).await.expect("readable")).await
    }

    pub(crate) async fn tenant(&self, slug: &str) -> Tenant {
        let slug = slug.parse().expect("a slug");
        Tenant::clone(&*self.vivero.tenants().find(&slug).await.expect("a tenant"))
    }

    pub(crate) async fn verified(&self, slug: &str) {
        let report =
            self.vivero.verify_audit(&slug.parse().expect("a slug")).await.expect("a report");
        assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    }

    pub(crate) async fn ask(&self, new: NewOperation) -> Result<Operation> {
        self.vivero.operations().ask(new).await
    }

    pub(crate) async fn done(&self, new: NewOperation) -> Operation {
        let asked = self.vivero.operations().ask(new).await.expect("asked");
        let done = self.vivero.operations().run(asked.id).await.expect("an answer");
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        done
    }

    pub(crate) fn archive(&self, name: &str) -> PathBuf {
        self.folder.path().join("archives").join(name)
    }

    /// The store of files.
    pub(crate) fn store(&self) -> Arc<dyn FileStore> {
        store_of(self.folder.path())
    }

    /// Databases of a tenant.
    pub(crate) async fn files(&self, slug: &str) -> usize {
        let id = self.tenant(slug).await.id.uuid().simple().to_string();
        let all = self.engine.databases(self.folder.path()).await;
        all.iter().filter(|name| name.contains(&id)).count()
    }

    pub(crate) async fn all_files(&self) -> usize {
        self.engine.databases(self.folder.path()).await.len()
    }

    /// Nothing is left but the databases, and where there are accounts the accounts, of so many tenants.
    pub(crate) async fn holds(&self, tenants: usize, what: &str) {
        assert_eq!(self.all_files().await, tenants, "databases, {what}");
        if let Some(accounts) = self.engine.accounts().await {
            assert_eq!(accounts, tenants, "accounts, {what}");
        }
    }

    /// Adds lots one after another until it is stopped.
    pub(crate) fn write_on(&self, slug: &'static str) -> Going {
        let (vivero, next) = (self.vivero.clone(), Arc::clone(&self.next));
        Going::new(move |going| async move {
            let mut done = 0;
            let password = Password::new("owner@example.com", PASSWORD);
            let context = RequestContext::default();
            let signed = vivero.log_in(slug, password, None, context).await.expect("signed in");
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while going.load(Ordering::SeqCst) {
                let session = vivero.resume(slug, &signed.tokens.access_token).await.expect("open");
                match session.entities().create(lot(&next)).await {
                    Ok(_) => {
                        done += 1;
                        longest = longest.max(last.elapsed());
                        last = Instant::now();
                    }
                    // Writers wait for a moment.
                    Err(Error::Unavailable { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("writing: {error:?}"),
                }
            }
            println!("a writer's longest time without an acknowledged write: {longest:?}");
            assert!(longest < Duration::from_secs(30), "{longest:?}");
            done
        })
    }

    /// Reads until it is stopped; every read must succeed.
    pub(crate) fn read_on(&self, slug: &'static str) -> Going {
        let vivero = self.vivero.clone();
        Going::new(move |going| async move {
            let mut done = 0;
            let password = Password::new("owner@example.com", PASSWORD);
            let context = RequestContext::default();
            let signed = vivero.log_in(slug, password, None, context).await.expect("signed in");
            while going.load(Ordering::SeqCst) {
                let session =
                    vivero.resume(slug, &signed.tokens.access_token).await.expect("readable");
                let page = session.entities().list(EntityFilter::new(), Page::first(20)).await;
                assert_eq!(page.expect("readable").items.len(), 20);
                done += 1;
            }
            done
        })
    }
}

async fn count(session: &TenantSession) -> u64 {
    let (mut page, mut number) = (Page::first(200), 0);
    loop {
        let some = session.entities().list(EntityFilter::new(), page).await.expect("a page");
        number += some.items.len() as u64;
        match some.next_cursor {
            Some(cursor) => page = Page::first(200).after(cursor),
            None => return number,
        }
    }
}

fn lot(next: &AtomicU64) -> NewEntity {
    let number = next.fetch_add(1, Ordering::SeqCst);
    NewEntity::new(
        format!("LAV-{number:06}"),
        "Lavandula angustifolia 'Hidcote'",
        EntityType::Cutting,
        40,
    )
}

/// Work that goes on until it is stopped.
pub(crate) struct Going {
    going: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<u64>,
}

impl Going {
    fn new<F: Future<Output = u64> + Send + 'static>(
        work: impl FnOnce(Arc<AtomicBool>) -> F,
    ) -> Self {
        let going = Arc::new(AtomicBool::new(true));
        Self { task: tokio::spawn(work(Arc::clone(&going))), going }
    }
    pub(crate) async fn stop(self) -> u64 {
        self.going.store(false, Ordering::SeqCst);
        self.task.await.expect("it went on")
    }
}
