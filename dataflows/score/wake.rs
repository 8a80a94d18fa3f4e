//! An activator for wake callbacks that are passed on before their operator is built.

use std::sync::{Arc, OnceLock};

use timely::scheduling::SyncActivator;

/// An activator that is bound after its operator is built. Readers and writers are opened before, with its callback.
/// Until it is bound, the callback does nothing: an operator polls its source when it is first scheduled.
#[derive(Clone, Default)]
pub(super) struct DeferredActivator(Arc<OnceLock<SyncActivator>>);

impl DeferredActivator {
    /// Returns the callback that activates the operator.
    pub(super) fn callback(&self) -> impl Fn() + Send + Sync + 'static {
        let target = Arc::clone(&self.0);
        move || {
            if let Some(activator) = target.get() {
                // It fails when the worker has left.
                let _ = activator.activate();
            }
        }
    }

    /// Binds the operator's activator; a second binding has no effect.
    pub(super) fn bind(&self, activator: SyncActivator) {
        let _ = self.0.set(activator);
    }
}
