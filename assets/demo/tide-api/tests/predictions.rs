//! High water at the north mole, against the printed table.

#[test]
fn high_water_is_within_five_centimetres_of_the_table() {
    for (hours, printed) in [(3.1, 4.82), (15.5, 4.91), (28.0, 5.02)] {
        let computed = tide_api::at("NORTH-MOLE", hours);
        assert!((computed - printed).abs() < 0.05, "{computed} at {hours}");
    }
}
