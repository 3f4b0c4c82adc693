-- Indexes for lists that were read whole to show a page of them.

-- Serves: similar_tickets, the newest that are open about the same matter in one place.
CREATE INDEX tickets_by_matter_and_place ON tickets (category, area, id DESC) WHERE state <> 'closed';
-- Serves: duties, what runs in the whole city in the order of its due times.
CREATE INDEX clocks_in_order ON clocks (due_at, ticket_id, number) INCLUDE (department, kind, warns_at)
    WHERE stopped_at IS NULL AND kind <> 'return_window';
