//! Related records that a reply should have had and did not.

use super::Walk;

impl Walk {
    pub(super) fn count_unattached(&mut self, page: &[u64]) {
        self.unattached.resize(self.unattached.len().max(page.len()), 0);
        self.unattached.iter_mut().zip(page).for_each(|(all, count)| *all += count);
    }

    /// Notes on related records that were not in their reply.
    pub(super) fn note_unattached(&mut self) {
        for (rule, count) in self.call.operation.response.attach.iter().zip(&self.unattached).filter(|(_, n)| **n > 0) {
            self.receipt.notes.push(format!(
                "`{}` is null where the reply did not have the record: {count} of the keys at `{}` were not in `{}`",
                rule.field, rule.by, rule.from
            ));
        }
    }
}
