//! What a proposal says, in clear, for the officer who is to sign it: its lines and its texts.

use super::{AuthorityParts, Casework, Error};
use crate::{
    canon::DecisionId,
    decision::{Body, PartError, read_part, read_text},
    subject::Line,
};

impl Casework {
    /// The lines that a proposal names, in clear where what they stand for is kept: the first of
    /// them, and how many there are.
    pub fn proposal_lines(
        &self,
        id: &DecisionId,
        most: usize,
    ) -> Result<(Vec<String>, u64), Error> {
        let body = self.record_of(id)?.decoded()?;
        let parts = AuthorityParts(&self.inner.authority);
        let mut lists = vec![];
        match &body {
            Body::List(list) => lists.push(list.parts.clone()),
            body => lists.extend(body.targets().iter().filter_map(|t| t.parts.clone())),
        }
        let (mut lines, mut count) = (Vec::new(), 0);
        for list in lists {
            let mut last = String::new();
            for part in &list {
                count += part.count;
                if lines.len() >= most {
                    continue;
                }
                read_part(&parts, part, &mut last, |line: Line<'_>| {
                    if lines.len() < most {
                        lines.push(line.to_string());
                    }
                    Ok::<(), PartError>(())
                })
                .map_err(|e| Error::part(part.sha256, e))?;
            }
        }
        for line in lines.iter_mut().filter(|line| line.contains("/#")) {
            *line = self.clear_name(id, line)?;
        }
        Ok((lines, count))
    }

    /// The reasons of a proposal, then those of its overrides, each under its code.
    pub fn proposal_texts(&self, id: &DecisionId) -> Result<Vec<(String, String)>, Error> {
        let body = self.record_of(id)?.decoded()?;
        let parts = AuthorityParts(&self.inner.authority);
        let mut named = vec![("reasons".to_owned(), *body.reasons())];
        if let Body::List(list) = &body {
            let overrides = list.guard.overrides.iter();
            named.extend(overrides.map(|o| (o.code.clone(), o.reason)));
        }
        let mut texts = Vec::new();
        for (name, text) in named {
            let said = match read_text(&parts, &text) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                // Erased since it was committed.
                Err(PartError::Missing) => String::new(),
                Err(e) => return Err(Error::part(text.sha256, e)),
            };
            texts.push((name, said));
        }
        Ok(texts)
    }
}
