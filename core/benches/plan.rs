//! A plan costs the same for each task, whether it has a thousand or a million.

#[path = "plan/shapes.rs"]
mod shapes;

use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::plan::catalog::Catalog;
use divan::Bencher;
use divan::counter::ItemsCount;
use shapes::{TASKS, chain, compile, fan_out, grid, random};

fn main() {
    for tasks in TASKS {
        for shape in [chain, fan_out, grid, random] {
            let catalog = shape(tasks);
            let plan = compile(&catalog);
            let per_task = plan.memory_bytes() as u64 / u64::from(plan.len());
            println!(
                "{} tasks, {} edges: {per_task} bytes a task",
                plan.len(),
                plan.edges()
            );
        }
    }
    divan::main();
}

fn bench_compile(bencher: Bencher, catalog: &Catalog, tasks: u32) {
    bencher
        .counter(ItemsCount::new(tasks))
        .bench_local(|| compile(catalog));
}

#[divan::bench(args = TASKS)]
fn compile_chain(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &chain(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_fan_out(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &fan_out(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_grid(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &grid(tasks), tasks);
}

#[divan::bench(args = TASKS)]
fn compile_random(bencher: Bencher, tasks: u32) {
    bench_compile(bencher, &random(tasks), tasks);
}

#[divan::bench(args = TASKS, sample_count = 10)]
fn fingerprint_grid(bencher: Bencher, tasks: u32) {
    let plan = compile(&grid(tasks));
    let tenant = TenantId::parse("acme").unwrap();
    let workspace = WorkspaceId::parse("main").unwrap();
    bencher
        .counter(ItemsCount::new(tasks))
        .bench_local(|| plan.fingerprint(&tenant, &workspace));
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10)]
fn catalog_of_assets(bencher: Bencher, assets: u32) {
    let manifest = random(assets * 10).manifest().clone();
    bencher
        .counter(ItemsCount::new(assets))
        .with_inputs(|| manifest.clone())
        .bench_local_values(|manifest| Catalog::new(manifest).unwrap());
}
