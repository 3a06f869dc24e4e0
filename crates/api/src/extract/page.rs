use kernel::{Cursor, Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Which page of a list is meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// `next` of the page before.
    pub after: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
}

impl After {
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        let after = match &self.after {
            None => None,
            Some(word) => Some(Cursor::decode(word).ok_or_else(|| Problem::invalid("`after` is not a page's `next`"))?),
        };
        Ok(PageRequest::new(after, self.limit))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A page whose items are shown as something else.
    pub(crate) fn of<U>(page: Page<U>, show: impl FnMut(U) -> T) -> Self {
        let page = page.map(show);
        Self { items: page.items, next: page.next }
    }

    /// A list that is short by nature and has one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
