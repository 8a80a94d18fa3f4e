//! The table of the fields of a message.

/// The known fields of one kind of message, of which there are `N`. [`fields`] implements it.
pub(crate) trait Table<const N: usize>: Copy + 'static {
    /// The name on the wire.
    fn name(self) -> &'static str;

    /// The field of a name.
    fn of_name(name: &str) -> Option<Self>;

    /// The position in the table.
    fn index(self) -> usize;

    /// Returns whether the field is an object of observations.
    fn is_observed(self) -> bool;
}

/// Declares the fields of a message as an enum that is a [`Table`]: a variant and a name on the wire each. One of them
/// can be an object of [observations](crate::flight::Observation).
macro_rules! fields {
    (
        $(#[$about:meta])*
        $visibility:vis enum $table:ident $(, observed in $observed:ident)?;
        $($(#[$meaning:meta])* $field:ident = $name:literal,)+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $table {
            $($(#[$meaning])* $field,)+
        }

        impl $table {
            /// All fields, in the order of the table.
            pub const ALL: &'static [$table] = &[$($table::$field),+];
            /// The names of all fields, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            /// The field of a name.
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($table::$field),)+
                    _ => None,
                }
            }
        }

        impl $crate::wire::Table<{ $table::ALL.len() }> for $table {
            fn name(self) -> &'static str {
                $table::name(self)
            }

            fn of_name(name: &str) -> Option<Self> {
                $table::of_name(name)
            }

            fn index(self) -> usize {
                self as usize
            }

            fn is_observed(self) -> bool {
                false $(|| self == $table::$observed)?
            }
        }
    };
}

pub(crate) use fields;
