//! An oscillator in whole numbers: a table of one period, read with a fraction.
//!
//! The table is computed when the core is compiled; a card needs no floating point for it.

/// One tone under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Oscillator {
    phase: u32,
    increment: u32,
    amplitude: i32,
}

impl Oscillator {
    /// From its zero crossing on.
    pub(crate) fn restart(&mut self) {
        self.phase = 0;
    }

    /// 0 Hz is silence. A change of frequency does not break the wave.
    pub(crate) fn set(&mut self, hertz: u16, level_dbm0: i8) {
        let turns = (u64::from(hertz) << 32) / SAMPLE_RATE;
        self.increment = u32::try_from(turns).unwrap_or(u32::MAX);
        self.amplitude = if hertz == 0 { 0 } else { amplitude(level_dbm0) };
    }

    /// The next sample.
    pub(crate) fn next(&mut self) -> i32 {
        let index = (self.phase >> 24) as usize;
        let fraction = (self.phase >> 8 & 0xffff) as i32;
        let (from, to) = (i32::from(PERIOD[index]), i32::from(PERIOD[index + 1]));
        let unit = from + (((to - from) * fraction) >> 16);
        self.phase = self.phase.wrapping_add(self.increment);
        (unit * self.amplitude) >> 15
    }
}

/// The peak of a sine at this level; a full scale of 32767 is +3.14 dBm0 (ITU-T G.711).
fn amplitude(level_dbm0: i8) -> i32 {
    let below_top = TOP_DBM0.saturating_sub(level_dbm0).max(0);
    AMPLITUDES[usize::from(below_top.unsigned_abs()).min(AMPLITUDES.len() - 1)]
}

const SAMPLE_RATE: u64 = 8_000;

/// The loudest whole level that is not clipped.
const TOP_DBM0: i8 = 3;

/// One period in 256 steps, and its first value once more.
static PERIOD: [i16; 257] = period();

/// Peaks from [`TOP_DBM0`] down, 1 dB apart; below the last one nothing is left of 16 bits.
static AMPLITUDES: [i32; 96] = amplitudes();

const fn period() -> [i16; 257] {
    let mut table = [0; 257];
    let mut index = 0;
    while index < table.len() {
        let turn = index as f64 / 256.0;
        table[index] = (sine(turn) * 32_767.0 + if turn <= 0.5 { 0.5 } else { -0.5 }) as i16;
        index += 1;
    }
    table
}

const fn amplitudes() -> [i32; 96] {
    let mut table = [0; 96];
    // 3 dBm0 is 0.14 dB below full scale: 32767 / 10^(0.14/20).
    let mut peak = 32_243.1;
    let mut index = 0;
    while index < table.len() {
        table[index] = (peak + 0.5) as i32;
        peak *= ONE_DB_LESS;
        index += 1;
    }
    table
}

/// 10^(-1/20)
const ONE_DB_LESS: f64 = 0.891_250_938_133_745_5;

/// The sine of a part of a turn, 0 to 1, by its power series around half a turn.
pub(crate) const fn sine(turn: f64) -> f64 {
    let x = (0.5 - turn) * core::f64::consts::TAU;
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while n < 24.0 {
        term = -term * x * x / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// The level of a sine at full scale (ITU-T G.711, A-law).
    const FULL_SCALE_DBM0: f64 = 314.0 / 100.0;

    #[test]
    fn level_and_frequency_are_those_that_were_asked_for() {
        for hertz in [350_u16, 440, 697, 1_400, 1_633, 2_300, 3_999] {
            for level in [3_i8, 0, -11, -16, -30, -40] {
                let mut tone = Oscillator::default();
                tone.set(hertz, level);
                let samples: std::vec::Vec<f64> = (0..8_000).map(|_| f64::from(tone.next())).collect();
                let power = samples.iter().map(|x| x * x).sum::<f64>() / 8_000.0;
                let heard = 10.0 * (power * 2.0 / (32_767.0 * 32_767.0)).log10() + FULL_SCALE_DBM0;
                assert!((heard - f64::from(level)).abs() < 0.2, "{hertz} Hz at {level}: {heard}");
                let crossings = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
                let error = (crossings as f64 - f64::from(hertz)).abs();
                assert!(error <= 1.0, "{hertz} Hz at {level}: {crossings} periods");
            }
        }
    }

    #[test]
    fn after_an_hour_the_phase_is_off_by_less_than_a_thousandth_of_the_frequency_allows() {
        let mut tone = Oscillator::default();
        tone.set(1_400, 0);
        // Turns of an hour, against the exact 1400 x 3600.
        let turns = f64::from(tone.increment) / 2_f64.powi(32) * 8_000.0 * 3_600.0;
        assert!((turns - 1_400.0 * 3_600.0).abs() < 0.01);
    }

    #[test]
    fn the_table_is_the_library_s_sine() {
        for (index, value) in PERIOD.iter().enumerate() {
            let exact = (index as f64 / 128.0 * core::f64::consts::PI).sin() * 32_767.0;
            assert!((f64::from(*value) - exact).abs() <= 0.51, "{index}: {value} {exact}");
        }
    }
}
