//! Names of languages: `de`, or `de-AT` where a country has its own words.

/// The name in its usual spelling; `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<String> {
    let letters = |part: &str, lengths: &[usize]| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    match text.split(['-', '_']).collect::<Vec<_>>()[..] {
        [language] if letters(language, &[2, 3]) => Some(language.to_ascii_lowercase()),
        [language, country] if letters(language, &[2, 3]) && letters(country, &[2]) => {
            Some(format!("{}-{}", language.to_ascii_lowercase(), country.to_ascii_uppercase()))
        }
        _ => None,
    }
}

/// The languages to try for somebody who asked for `locale`, the best first, without the one for everybody.
pub(super) fn candidates(locale: &str) -> Vec<String> {
    let Some(whole) = parse(locale) else { return Vec::new() };
    let language = whole.split('-').next().filter(|language| *language != whole).map(str::to_owned);
    std::iter::once(whole).chain(language).collect()
}
