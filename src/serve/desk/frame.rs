//! The way of a form at the desk: shown again where something in it is wrong, else done, and led on.

use crate::serve::{
    pages::{form::Form, show::see_other},
    problem::Answer,
};

/// Does what a form asks for; gives back the page that comes next. `done` says which that is.
pub(super) async fn settle(
    form: Form,
    again: impl AsyncFnOnce(Form) -> Answer,
    done: impl Future<Output = Answer<String>>,
) -> Answer {
    if form.is_wrong() {
        return again(form).await;
    }
    see_other(&done.await?)
}
