//! Functions that resemble each other stand together in a module, where the compressor of an upload finds one in the other.
//!
//! The window of gzip is 32 KiB, and a module of a thousand kilobytes is full of copies of one generic function that are far apart.
//! Each next function is the one that shares most with those that are in the window, for its size. The order is written down
//! as names, because that is how `wasm-opt` takes one.

use std::collections::VecDeque;

use wasm_encoder::{CustomSection, NameMap, NameSection};
use wasmparser::{Parser, Payload, TypeRef};

/// How many bytes in a row are held against each other.
const SHINGLE: usize = 5;
/// What more functions than this have in common tells nothing of any of them.
const MOST_SHARED: usize = 60;
/// The bytes that a compressor still sees, less what else is in between.
const WINDOW_BYTES: usize = 28_000;
/// What a function costs beside its body, so that small ones do not all come first.
const OVERHEAD_BYTES: f64 = 30.0;

/// The module with its functions named by the places that they are to have; names that it had are gone.
pub(super) fn name_by_likeness(module: &[u8]) -> Result<Vec<u8>, String> {
    let fault = |error: wasmparser::BinaryReaderError| format!("the module: {error}");
    let mut imported = 0;
    let mut bodies: Vec<&[u8]> = Vec::new();
    let mut bare = module.get(..8).unwrap_or_default().to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(fault)?;
        match &payload {
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let import = import.map_err(fault)?;
                    imported += u32::from(matches!(import.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
        if let Some((id, range)) = payload.as_section()
            && !matches!(&payload, Payload::CustomSection(custom) if custom.name() == "name")
        {
            let content = module.get(range).unwrap_or_default();
            wasm_encoder::Section::append_to(
                &wasm_encoder::RawSection { id, data: content },
                &mut bare,
            );
        }
    }
    let mut places = vec![0; bodies.len()];
    for (place, function) in by_likeness(&bodies).into_iter().enumerate() {
        places[function] = place;
    }
    let mut names = NameMap::new();
    for (function, place) in (imported..).zip(places) {
        names.append(function, &format!("{place:06}"));
    }
    let mut section = NameSection::new();
    section.functions(&names);
    let custom: CustomSection<'_> = section.as_custom();
    wasm_encoder::Section::append_to(&custom, &mut bare);
    Ok(bare)
}

/// The functions in an order in which like follows like.
fn by_likeness(bodies: &[&[u8]]) -> Vec<usize> {
    let (shared, of_function) = shared(bodies);
    let mut scores = vec![0_u64; bodies.len()];
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    left.sort_by_key(|function| std::cmp::Reverse(bodies[*function].len()));
    let mut order = Vec::with_capacity(bodies.len());
    let mut window = VecDeque::new();
    let mut seen_bytes = 0;
    let weigh = |scores: &mut Vec<u64>, function: usize, comes: bool| {
        for &shingle in &of_function[function] {
            let with: &Vec<usize> = &shared[shingle];
            let weight = u64::from((bodies.len() / with.len()).ilog2());
            for &other in with {
                scores[other] = if comes {
                    scores[other] + weight
                } else {
                    scores[other] - weight
                };
            }
        }
    };
    // The first of the largest begins, and wherever nothing resembles what is in the window.
    while !left.is_empty() {
        let worth = |function: usize| {
            scores[function] as f64 / (bodies[function].len() as f64 + OVERHEAD_BYTES)
        };
        let mut best = 0;
        for at in 1..left.len() {
            if worth(left[at]) > worth(left[best]) {
                best = at;
            }
        }
        let function = left.remove(best);
        order.push(function);
        weigh(&mut scores, function, true);
        window.push_back(function);
        seen_bytes += bodies[function].len();
        while seen_bytes > WINDOW_BYTES && window.len() > 1 {
            let Some(gone) = window.pop_front() else {
                break;
            };
            seen_bytes -= bodies[gone].len();
            weigh(&mut scores, gone, false);
        }
    }
    order
}

/// The functions of each shingle that several have, and those shingles of each function.
fn shared(bodies: &[&[u8]]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut rows: Vec<(&[u8], usize)> = bodies
        .iter()
        .enumerate()
        .flat_map(|(function, body)| {
            body.windows(SHINGLE)
                .map(move |shingle| (shingle, function))
        })
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let mut shared = Vec::new();
    let mut of_function = vec![Vec::new(); bodies.len()];
    for rows in rows.chunk_by(|one, other| one.0 == other.0) {
        if (2..=MOST_SHARED).contains(&rows.len()) {
            for (_, function) in rows {
                of_function[*function].push(shared.len());
            }
            shared.push(rows.iter().map(|row| row.1).collect());
        }
    }
    (shared, of_function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_follows_like() {
        let bodies: [&[u8]; 5] = [
            b"one function of ten words, say",
            b"0123456789012345678901234567890123456789",
            b"one function of two words, say",
            b"0123456789012345678901234567890123456788",
            b"one function of six words, say",
        ];
        let order = by_likeness(&bodies);
        assert_eq!(order[..2], [1, 3]);
        let mut rest = order[2..].to_vec();
        rest.sort_unstable();
        assert_eq!(rest, [0, 2, 4]);
    }
}
