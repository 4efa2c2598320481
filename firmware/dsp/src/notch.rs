//! Takes the box's own dial tone out of what is heard: it echoes while the first digit is dialled.

use core::f32::consts::TAU;

use serde::{Deserialize, Serialize};

/// How close the poles are to the unit circle: a notch some 100 Hz wide that forgets within 10 ms.
const RADIUS: f32 = 0.96;

/// A second-order notch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notch {
    b1: f32,
    a1: f32,
    a2: f32,
    gain: f32,
    x: [f32; 2],
    y: [f32; 2],
}

impl Notch {
    pub(crate) fn new(hz: f32) -> Self {
        let cosine = (TAU * hz / hal::sample::RATE as f32).cos();
        let (b1, a1, a2) = (-2.0 * cosine, -2.0 * RADIUS * cosine, RADIUS * RADIUS);
        // Unity at half the sampling rate, and nearly so over the band of the digits.
        let gain = (1.0 - a1 + a2) / (2.0 - b1);
        Self { b1, a1, a2, gain, x: [0.0; 2], y: [0.0; 2] }
    }

    pub(crate) fn feed(&mut self, x: f32) -> f32 {
        let y = self.gain * (x + self.b1 * self.x[0] + self.x[1]) - self.a1 * self.y[0] - self.a2 * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(hz: f32, notch_hz: f32) -> f32 {
        let mut notch = Notch::new(notch_hz);
        let out = (0..8000).map(|n| notch.feed((TAU * hz * n as f32 / 8000.0).sin()));
        out.skip(4000).map(|y| y * y).sum::<f32>() / 2000.0
    }

    #[test]
    fn dial_tone_is_taken_out_and_digits_stay() {
        for (hz, notch) in [(350.0, 350.0), (440.0, 440.0)] {
            assert!(level(hz, notch) < 1e-4, "{hz}");
            for digit in [697.0, 941.0, 1209.0, 1633.0] {
                assert!(
                    (level(digit, notch) - 1.0).abs() < 0.12,
                    "{digit} through {notch}: {}",
                    level(digit, notch)
                );
            }
        }
    }
}
