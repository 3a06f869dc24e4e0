/// Whose models a proof convinces. A thought's proof goes from protocol to protocol and back as it is, and any other
/// vendor refuses the whole request for it: so it says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Anthropic,
    Gemini,
    OpenAi,
}

impl Vendor {
    const ALL: [Self; 3] = [Self::Anthropic, Self::Gemini, Self::OpenAi];

    /// What stands before the vendor's proofs: none of them holds a colon.
    fn mark_text(self) -> &'static str {
        match self {
            // Its clients send its proofs back to it past the gateway as well.
            Self::Anthropic => "",
            Self::Gemini => "gemini:",
            Self::OpenAi => "openai:",
        }
    }

    pub(crate) fn mark(self, proof: &str) -> String {
        format!("{}{proof}", self.mark_text())
    }

    /// The proof as the vendor gave it, if it is the vendor's.
    pub(crate) fn own(self, proof: &str) -> Option<&str> {
        let foreign = |other: Self| other != self && !other.mark_text().is_empty();
        if Self::ALL.into_iter().any(|other| foreign(other) && proof.starts_with(other.mark_text())) {
            return None;
        }
        proof.strip_prefix(self.mark_text()).filter(|proof| !proof.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_known_by_its_own_vendor_alone() {
        for vendor in Vendor::ALL {
            for other in Vendor::ALL {
                let proof = vendor.mark("c2ln");
                assert_eq!(other.own(&proof), (vendor == other).then_some("c2ln"), "{proof} to {other:?}");
            }
            assert_eq!(vendor.own(&vendor.mark("")), None);
        }
    }
}
