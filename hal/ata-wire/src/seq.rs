//! Sequence numbers that wrap (RFC 1982 arithmetic on 16 bits).

/// The number of an event or control message within one boot of its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seq(pub u16);

impl Seq {
    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The one before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// `count` further on.
    #[must_use]
    pub const fn plus(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// Steps from `earlier` to here. A number before `earlier` comes out as 32768 or more.
    #[must_use]
    pub const fn steps_from(self, earlier: Self) -> u16 {
        self.0.wrapping_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Seq;

    #[test]
    fn steps_count_across_the_wrap() {
        assert_eq!(Seq(2).steps_from(Seq(0xfffe)), 4);
        assert_eq!(Seq(0xffff).next(), Seq(0));
        assert_eq!(Seq(0).previous(), Seq(0xffff));
        assert_eq!(Seq(0xffff).plus(2), Seq(1));
    }

    #[test]
    fn a_number_before_lies_in_the_upper_half() {
        assert!(Seq(5).steps_from(Seq(6)) >= 0x8000);
    }
}
