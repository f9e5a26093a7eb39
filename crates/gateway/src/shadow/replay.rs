//! Comparison and noise over answers that are made up: what must be found, and what must not be.

use serde_json::{Value, json};

use super::compare::{Answer, Difference, compare};
use super::noise::Noise;

/// `SplitMix64`, the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

const ENDPOINTS: u64 = 40;

/// A hundred thousand take most of a minute in a debug build.
fn reads() -> u64 {
    if crate::gates::replay::is_long() { 100_000 } else { 20_000 }
}

fn endpoint(n: u64) -> String {
    format!(
        "GET /api/v1/things-{}",
        char::from(b'a' + u8::try_from(n % 26).unwrap()).to_string().repeat(1 + usize::from(n > 25))
    )
}

/// What a service has to say about an entity. The time is never the same, tags come in any order, the rank is sometimes
/// counted anew, and one endpoint is served by two replicas that do not agree on a counter.
fn body(n: u64, entity: u64, rng: &mut Seeded) -> Value {
    let mut tags = vec!["red", "green", "blue"];
    if rng.below(2) == 0 {
        tags.swap(0, 2);
    }
    let rank = if rng.below(50) == 0 { entity + 1 } else { entity };
    let views = if n == 7 { rng.below(2) } else { 0 };
    json!({
        "request_time": rng.below(u64::MAX),
        "data": {
            "id": format!("0199c0de-0000-7000-8000-{entity:012x}"),
            "tenant_id": format!("t-{}", entity % 9),
            "name": format!("Thing {entity}"),
            "count": entity * 3,
            "price": 12.5,
            "is_active": entity.is_multiple_of(2),
            "deleted_at": null,
            "created_at": "2026-01-01T00:00:00.000001Z",
            "owner": {"id": entity + 5, "role": "admin"},
            "members": [{"id": 1, "role": "owner"}, {"id": 2, "role": "guest"}],
            "tags": tags,
            "rank": rank,
            "views": views,
        },
        "total": 2,
    })
}

fn answer(body: &Value) -> Answer {
    Answer { status: 200, content_type: Some("application/json".to_owned()), body: body.to_string().into_bytes() }
}

const LEAVES: [&str; 12] = [
    "/data/id",
    "/data/tenant_id",
    "/data/name",
    "/data/count",
    "/data/price",
    "/data/is_active",
    "/data/deleted_at",
    "/data/created_at",
    "/data/owner/role",
    "/data/members/1/role",
    "/total",
    "/data/members/0/role",
];

/// A hundred ways to be wrong.
fn mutate(mutant: usize, body: &mut Value) -> Answer {
    match mutant {
        96 => return Answer { status: 404, ..answer(body) },
        97 => return Answer { content_type: Some("text/plain".to_owned()), ..answer(body) },
        98 => {
            body["data"]["members"].as_array_mut().unwrap().pop();
        }
        99 => body["data"]["request_time"] = json!(1),
        _ => {
            let pointer = LEAVES[mutant / 8];
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let old = body.pointer(pointer).unwrap().clone();
            let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let new = match (mutant % 8, &old) {
                (0, _) => {
                    parent.remove(name);
                    return answer(body);
                }
                (1, _) => {
                    parent.remove(name);
                    parent.insert(format!("{name}_"), old);
                    return answer(body);
                }
                (2, Value::Null) => json!(""),
                (2, _) => Value::Null,
                (3, Value::String(text)) => json!(format!("{text} ")),
                (3, Value::Number(number)) => json!(number.as_f64().unwrap() + 0.000_001),
                (3, Value::Bool(value)) => json!(!value),
                (3, _) => json!(false),
                (4, Value::String(text)) => json!(text.to_uppercase() + "."),
                (4, other) => json!(other.to_string()),
                (5, other) => json!([other]),
                (6, other) => json!({"value": other}),
                (_, Value::String(_)) => json!(""),
                (_, Value::Number(_)) => json!(-1),
                (_, other) => json!([other, other]),
            };
            parent.insert(name.to_owned(), new);
        }
    }
    answer(body)
}

fn learn(noise: &mut Noise, samples: u64, rng: &mut Seeded) {
    for n in 0..samples {
        let (name, entity) = (n % ENDPOINTS, rng.below(1000));
        let pair = [(); 2].map(|()| answer(&body(name, entity, rng)));
        noise.learn(&endpoint(name), &compare(&pair[0], &pair[1]));
    }
}

/// One read of both sides, asked once more if they differ, as the shadow does it.
fn read(noise: &mut Noise, n: u64, rng: &mut Seeded, other: impl Fn(Value) -> Answer) -> Vec<Difference> {
    let entity = rng.below(1000);
    let mut ours = || answer(&body(n, entity, rng));
    let (first, again) = (ours(), ours());
    let mut theirs = || other(body(n, entity, rng));
    let (their_first, their_again) = (theirs(), theirs());
    let open = compare(&first, &their_first);
    let (within, between) = (compare(&first, &again), compare(&again, &their_again));
    noise.real(&endpoint(n), &open, &within, &between).into_iter().cloned().collect()
}

#[test]
fn hundred_planted_differences_are_found_and_equal_sides_do_not_differ() {
    let (mut noise, mut rng, reads) = (Noise::default(), Seeded(1), reads());
    learn(&mut noise, 2000, &mut rng);
    let alarms: Vec<_> =
        (0..reads).flat_map(|n| read(&mut noise, n % ENDPOINTS, &mut rng, |body| answer(&body))).collect();
    assert!(alarms.len() as u64 * 1000 <= reads, "{} false alarms: {:?}", alarms.len(), &alarms[..alarms.len().min(5)]);
    println!("{} false alarms in {reads} reads", alarms.len());
    let mut missed = Vec::new();
    for mutant in 0..100 {
        let found = (0..20)
            .any(|n| !read(&mut noise, n % ENDPOINTS, &mut rng, |mut body| mutate(mutant, &mut body)).is_empty());
        if !found {
            missed.push(mutant);
        }
    }
    assert!(missed.len() <= 1, "missed: {missed:?}");
}

#[test]
fn without_learning_and_without_asking_again_one_side_differs_from_itself() {
    let (mut noise, mut rng) = (Noise::default(), Seeded(2));
    let mut alarms = 0;
    for n in 0..100 {
        let pair = [(); 2].map(|()| answer(&body(n % ENDPOINTS, 1, &mut rng)));
        let open = compare(&pair[0], &pair[1]);
        alarms += usize::from(!noise.real(&endpoint(n % ENDPOINTS), &open, &[], &open).is_empty());
    }
    assert_eq!(alarms, 100, "the time alone differs in each");
}

#[test]
fn noisy_field_is_a_difference_when_the_sides_differ_there_far_more_often() {
    let (mut noise, mut rng) = (Noise::default(), Seeded(3));
    learn(&mut noise, 2000, &mut rng);
    // The rank is counted anew in one of fifty answers; the other side does so in half of them.
    let found: Vec<_> = (0..200)
        .flat_map(|n| {
            read(&mut noise, 3, &mut rng, |mut body| {
                body["data"]["rank"] = json!(if n % 2 == 0 { -1 } else { body["data"]["rank"].as_i64().unwrap() });
                answer(&body)
            })
        })
        .collect();
    assert!(found.iter().any(|difference| difference.field == "$.data.rank"), "{}", found.len());
}
