//! The board's cards: their order, and texts that try to break their lines.

use super::*;
use crate::domain::ticket::Priority;

async fn cards_come_by_status_then_priority_then_key() {
    let desk = Desk::new().await;
    let mut new = Vec::new();
    for level in [None, Some(3), Some(1), None, Some(1)] {
        new.push(NewTicket { priority: level.and_then(Priority::new), ..desk.new_ticket("x") });
    }
    for _ in 0..6 {
        new.push(desk.new_ticket("x"));
    }
    desk.store.create_tickets(new, at(1)).await.unwrap();
    desk.store.start_ticket(&key("LUM-3"), desk.repository, "b", None, at(2)).await.unwrap();
    let cards = desk.store.board(desk.project, None).await.unwrap().cards;
    let keys: Vec<u32> = cards.iter().map(|card| card.key.number()).collect();
    assert_eq!(keys, [5, 2, 1, 4, 6, 7, 8, 9, 10, 11, 3], "numbers are compared as numbers");
}

async fn a_card_survives_every_character_a_text_may_hold() {
    let desk = Desk::new().await;
    let odd = "a\u{1f}b\u{1e}c\u{1d}d | , 日本 👩\u{200d}💻 \u{202e}rtl 'quote' \"double\"";
    let new = NewTicket {
        spec_text: SpecText::Given(format!("# LUM-1: {odd}\n")),
        labels: vec![odd.to_owned(), String::new()],
        assignee: Some(desk.grace),
        ..desk.new_ticket("")
    };
    desk.store.create_ticket(new, at(1)).await.unwrap();
    desk.ticket("after").await;
    let cards = desk.store.board(desk.project, None).await.unwrap().cards;
    assert_eq!(cards.len(), 2);
    let shown = "a b c d | , 日本 👩\u{200d}💻 \u{202e}rtl 'quote' \"double\"";
    assert_eq!(cards[0].title, shown);
    assert_eq!(cards[0].labels, [shown, ""]);
    assert_eq!(cards[0].assignee.as_deref(), Some("Grace"));
    assert_eq!(cards[1].title, "after");
    let ticket = desk.store.ticket(&cards[0].key).await.unwrap().unwrap();
    assert_eq!(ticket.labels, [odd, ""], "the ticket itself keeps what was written");
}

async fn a_board_of_several_pages_misses_no_card() {
    let desk = Desk::new().await;
    let new = (0..2_000).map(|number| desk.new_ticket(&format!("ticket {number}"))).collect();
    desk.store.create_tickets(new, at(1)).await.unwrap();
    let cards = desk.store.board(desk.project, None).await.unwrap().cards;
    assert_eq!(cards.len(), 2_000);
    assert!(cards.iter().zip(1..).all(|(card, number)| card.key.number() == number));
    assert_eq!(desk.store.tickets(desk.project, Archived::Hidden).await.unwrap().len(), 2_000);
}

async fn an_empty_project_has_an_empty_board() {
    let desk = Desk::new().await;
    assert!(desk.store.board(desk.project, None).await.unwrap().cards.is_empty());
    assert!(matches!(desk.store.board(ProjectId(99), None).await, Err(Error::Missing(_))));
}

on_both!(
    cards_come_by_status_then_priority_then_key,
    a_card_survives_every_character_a_text_may_hold,
    a_board_of_several_pages_misses_no_card,
    an_empty_project_has_an_empty_board,
);
