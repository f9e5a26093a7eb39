//! Password hashes made beforehand, because making them is what takes time (contract 3.3).

/// Passwords and hashes of them: every prefix, costs 4, 10 and 12. Most are cheap, so that tests can log in.
pub const PASSWORDS: [(&str, &str); 15] = [
    ("correct horse battery", "$2a$04$.OC/.OC/.OC/.OC/.OC/.OQLdOyI.4RAhIQ26EQLCNwpNyQhSkc5m"),
    ("correct horse battery", "$2b$04$.eGA.eGA.eGA.eGA.eGA.ei20wcOSC2T0cMcl3ppWFnARe4EyVpku"),
    ("correct horse battery", "$2y$04$.uKB.uKB.uKB.uKB.uKB.uhOzHQg8xe6ckR2bHBzujLpRiA2y3nKy"),
    ("correct horse battery", "$2a$10$/.OC/.OC/.OC/.OC/.OC/.6.pUG4W9d69EYRAeeZna3OarZkXgvLS"),
    ("correct horse battery", "$2b$12$/OSD/OSD/OSD/OSD/OSD/OzqjXj4.dq3LQt3xjYlG13AhAB7qSIsK"),
    ("password123", "$2a$04$CPCPCPCPCPCPCPCPCPCPCOwMmu9lWUtDCCROVSIJQ4T7VWRb1V6Gy"),
    ("password123", "$2b$04$CfGQCfGQCfGQCfGQCfGQCejJOrf9sKKouu0qSTHkf7csMsKuz/PYe"),
    ("password123", "$2y$04$CvKRCvKRCvKRCvKRCvKRCuUPPQ58CpAthHYlmLsKULBRT8BBiLmNS"),
    ("password123", "$2a$10$D/OSD/OSD/OSD/OSD/OSD.wlfjMEQ0AcOPOKiV8R8rRpD21gbJibu"),
    ("password123", "$2b$12$DPSTDPSTDPSTDPSTDPSTDOS3v7qYpJeE0oX.H.AowrTUQ3L7BpYYm"),
    ("Tr0ub4dor&3", "$2a$04$GQCfGQCfGQCfGQCfGQCfGOdXuqOa9mQkArwXw4P6.tudZea19OsOS"),
    ("Tr0ub4dor&3", "$2b$04$GgGgGgGgGgGgGgGgGgGgGeLfypO.xDGCDIajlQfUp5nBARg.N0haC"),
    ("Tr0ub4dor&3", "$2y$04$GwKhGwKhGwKhGwKhGwKhGus1h5ACIzJhYS3.9mFnrID3l3jTljqkm"),
    ("Tr0ub4dor&3", "$2a$10$HAOiHAOiHAOiHAOiHAOiH.77Fv9Sdgv7x/T4Nisv0UiT8XvH6g5S."),
    ("Tr0ub4dor&3", "$2b$12$HQSjHQSjHQSjHQSjHQSjHORnESE9HN1hHjxVTqrkwU6CafFyqBRkC"),
];

/// What else stands in the column: the set-up script's 62 characters, nothing, a mark, half a hash, another scheme.
pub const MALFORMED: [&str; 5] = [
    "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWyxx",
    "",
    "!",
    "$2a$10$short",
    "pbkdf2_sha256$1000$salt$aGFzaA==",
];

#[cfg(test)]
mod tests {
    use super::{MALFORMED, PASSWORDS};

    #[test]
    fn hashes_are_of_their_passwords() {
        for (password, hash) in PASSWORDS {
            assert!(bcrypt::verify(password, hash).unwrap(), "{hash}");
            assert_eq!(hash.len(), 60);
        }
        for hash in MALFORMED {
            assert!(!matches!(bcrypt::verify("password", hash), Ok(true)), "{hash}");
        }
    }
}
