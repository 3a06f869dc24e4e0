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

/// A proof as it stands in OpenAI's responses, whose reasoning items have one field for it: `encrypted_content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encrypted {
    /// Of the thought that is told beside it.
    Signature(String),
    /// A whole thought.
    Sealed(String),
}

impl Encrypted {
    const SIGNATURE: &str = "konstruct.signature:";
    const SEALED: &str = "konstruct.sealed:";

    /// What the field says. OpenAI's own proofs stand there as they are.
    pub(crate) fn write(&self) -> String {
        let (kind, proof) = match self {
            Self::Signature(proof) => (Self::SIGNATURE, proof),
            Self::Sealed(data) => (Self::SEALED, data),
        };
        Vendor::OpenAi.own(proof).map_or_else(|| format!("{kind}{proof}"), str::to_owned)
    }

    /// Whether the field holds another vendor's proof, which OpenAI would refuse.
    pub(crate) fn is_foreign(field: &str) -> bool {
        [Self::SIGNATURE, Self::SEALED].into_iter().any(|mark| field.starts_with(mark))
    }

    /// `told`: the thought is told beside it.
    pub(crate) fn read(field: &str, told: bool) -> Self {
        match (field.strip_prefix(Self::SIGNATURE), field.strip_prefix(Self::SEALED)) {
            (Some(proof), _) => Self::Signature(proof.to_owned()),
            (_, Some(data)) => Self::Sealed(data.to_owned()),
            _ if told => Self::Signature(Vendor::OpenAi.mark(field)),
            _ => Self::Sealed(Vendor::OpenAi.mark(field)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_comes_back_from_a_reasoning_item_as_it_was() {
        for proof in ["c2ln", "gemini:c2ln", "openai:c2ln"] {
            for (encrypted, told) in
                [(Encrypted::Signature(proof.into()), true), (Encrypted::Sealed(proof.into()), false)]
            {
                assert_eq!(Encrypted::read(&encrypted.write(), told), encrypted);
            }
        }
        assert_eq!(Encrypted::Sealed("openai:c2ln".into()).write(), "c2ln");
    }

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
