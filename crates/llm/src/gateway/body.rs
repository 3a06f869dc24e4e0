//! A client's body, read with errors that say where. Whatever a client sends, it gives a value or a refusal.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Refusal, RefusalKind};
use crate::fault::brief;
use crate::request::Image;

/// A value of a body and its place there.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    place: Place<'a>,
}

/// Made into text only where something is wrong.
#[derive(Clone, Copy)]
enum Place<'a> {
    Body,
    Member { of: &'a Place<'a>, name: &'a str },
    Item { of: &'a Place<'a>, index: usize },
}

/// The body as JSON, an object. Deep nesting is refused by the parser.
pub(super) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let refused = |why: &str| Refusal::new(RefusalKind::Invalid, format!("the body is not a JSON object: {why}"));
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(refused("it holds something else")),
        Err(error) => Err(refused(&brief(&error.to_string()))),
    }
}

impl<'a> Field<'a> {
    pub(super) fn body(value: &'a Value) -> Self {
        Self { value, place: Place::Body }
    }

    /// Its member of this name; null counts as none.
    pub(super) fn get<'s>(&'s self, name: &'s str) -> Option<Field<'s>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Field { value, place: Place::Member { of: &self.place, name } })
    }

    pub(super) fn need<'s>(&'s self, name: &'s str) -> Result<Field<'s>, Refusal> {
        self.object()?;
        let missing =
            || Field { value: self.value, place: Place::Member { of: &self.place, name } }.wrong("is missing");
        self.get(name).ok_or_else(missing)
    }

    /// What `read` makes of its member of this name, where there is one.
    pub(super) fn optional<'s, T>(
        &'s self,
        name: &'s str,
        read: impl FnOnce(&Field<'s>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.get(name).map(|field| read(&field)).transpose()
    }

    pub(super) fn items<'s>(&'s self) -> Result<impl Iterator<Item = Field<'s>>, Refusal> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("must be an array"))?;
        let place = |index| Place::Item { of: &self.place, index };
        Ok(items.iter().enumerate().map(move |(index, value)| Field { value, place: place(index) }))
    }

    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_str().ok_or_else(|| self.wrong("must be a string"))
    }

    pub(super) fn text_owned(&self) -> Result<String, Refusal> {
        self.text().map(str::to_owned)
    }

    /// A string that is not empty.
    pub(super) fn name(&self) -> Result<String, Refusal> {
        match self.text()? {
            "" => Err(self.wrong("must not be empty")),
            name => Ok(name.to_owned()),
        }
    }

    /// Its member `type`, by which objects are told apart.
    pub(super) fn kind(&self) -> Result<&'a str, Refusal> {
        self.object()?;
        match self.value.get("type") {
            Some(Value::String(kind)) => Ok(kind),
            _ => Err(Field { value: self.value, place: Place::Member { of: &self.place, name: "type" } }
                .wrong("must be a string")),
        }
    }

    pub(super) fn flag(&self) -> Result<bool, Refusal> {
        self.value.as_bool().ok_or_else(|| self.wrong("must be true or false"))
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self) -> Result<u32, Refusal> {
        let count = self.value.as_u64().and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.wrong("must be a whole number from 0 to 4294967295"))
    }

    /// A whole number, at least one.
    pub(super) fn positive(&self) -> Result<u32, Refusal> {
        self.count().ok().filter(|count| *count > 0).ok_or_else(|| self.wrong("must be a whole number, at least 1"))
    }

    pub(super) fn integer(&self) -> Result<i64, Refusal> {
        self.value.as_i64().ok_or_else(|| self.wrong("must be a whole number"))
    }

    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, Refusal> {
        let number = self.value.as_f64().filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(format!("must be a number from {} to {}", range.start(), range.end())))
    }

    pub(super) fn object(&self) -> Result<&'a Value, Refusal> {
        if self.value.is_object() { Ok(self.value) } else { Err(self.wrong("must be an object")) }
    }

    /// An image by its address; a `data:` address holds the image itself.
    pub(super) fn image(&self) -> Result<Image, Refusal> {
        let url = self.text()?;
        let Some(data) = url.strip_prefix("data:") else {
            let web = url.starts_with("https://") || url.starts_with("http://");
            return if web {
                Ok(Image::Url { url: url.to_owned() })
            } else {
                Err(self.wrong("must begin with `https://`, `http://` or `data:`"))
            };
        };
        let (media_type, base64) = data.split_once(";base64,").ok_or_else(|| self.wrong("must hold base64"))?;
        self.image_data(media_type, base64)
    }

    /// An image that was sent along; this field held it.
    pub(super) fn image_data(&self, media_type: &str, base64: &str) -> Result<Image, Refusal> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if !media_type
            .strip_prefix("image/")
            .is_some_and(|kind| kind.bytes().all(|b| b.is_ascii_graphic() && b != b';'))
        {
            return Err(self.wrong("must be of a media type `image/…`"));
        }
        if base64.is_empty() || !base64.bytes().all(plain) {
            return Err(self.wrong("must hold base64"));
        }
        Ok(Image::Data { media_type: media_type.to_owned(), base64: base64.to_owned() })
    }

    /// A refusal that is about this field. `why` follows its name.
    pub(super) fn wrong(&self, why: impl fmt::Display) -> Refusal {
        let place = self.place.to_string();
        let message = if place.is_empty() { format!("the body {why}") } else { format!("`{place}` {why}") };
        Refusal::invalid(&place, message)
    }

    /// The refusal of what this protocol has and the provider's has not: `what`, by its own name.
    pub(super) fn untranslatable(&self, what: &str) -> Refusal {
        self.wrong(format!("is or holds `{}`, which the chosen model's provider does not know", brief(what)))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Member { of: Self::Body, name } => f.write_str(name),
            Self::Member { of, name } => write!(f, "{of}.{name}"),
            Self::Item { of, index } => write!(f, "{of}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_where() {
        let body = json!({"messages": [{"role": "user"}, {"role": "user", "content": [{"type": "text", "text": 7}]}]});
        let body = Field::body(&body);
        let messages = body.need("messages").unwrap();
        let last = messages.items().unwrap().last().unwrap();
        let content = last.need("content").unwrap();
        let part = content.items().unwrap().next().unwrap();
        let text = part.need("text").unwrap();
        let refusal = text.text().unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some("messages[1].content[0].text"));
        assert_eq!(refusal.message, "`messages[1].content[0].text` must be a string");
        assert_eq!(body.need("model").err().unwrap().message, "`model` is missing");
    }

    #[test]
    fn numbers_outside_of_their_range_are_refused() {
        let body = json!({"hot": 2.5, "many": -1, "huge": 4294967296_u64, "text": "1", "none": 0});
        let body = Field::body(&body);
        assert!(body.optional("hot", |field| field.number(0.0..=2.0)).is_err());
        for name in ["hot", "many", "huge", "text"] {
            assert!(body.optional(name, Field::count).is_err(), "{name}");
        }
        assert_eq!(body.optional("none", Field::count).unwrap(), Some(0));
        assert!(body.optional("none", Field::positive).is_err());
        assert_eq!(body.optional("absent", Field::count).unwrap(), None);
    }

    #[test]
    fn images_are_addresses_or_base64() {
        let image = |url: &str| Field::body(&json!(url)).image();
        assert_eq!(image("https://e.org/a.png").unwrap(), Image::Url { url: "https://e.org/a.png".into() });
        let data = Image::Data { media_type: "image/png".into(), base64: "aGk=".into() };
        assert_eq!(image("data:image/png;base64,aGk=").unwrap(), data);
        for odd in ["", "file:///etc/passwd", "data:,hi", "data:text/html;base64,aGk=", "data:image/png;base64,a b"] {
            assert!(image(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_is_no_object_and_what_is_nested_without_end_is_refused() {
        for odd in ["", "[]", "7", "{", "\u{0}", &"[".repeat(100_000), &"{\"a\":".repeat(100_000)] {
            assert_eq!(parse(odd.as_bytes()).unwrap_err().kind, RefusalKind::Invalid);
        }
        assert!(parse(b"{}").is_ok());
        assert!(parse(b"{\"a\": \"\xff\"}").is_err());
    }
}
