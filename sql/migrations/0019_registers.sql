-- Areas, departments and categories are parts of the rulebook: drafted by one, published by another, closed from a day on.
-- Their tables keep every code there ever was, for whatever names it.

ALTER TABLE rulebook_parts DROP CONSTRAINT rulebook_parts_are_known;
ALTER TABLE rulebook_parts ADD CONSTRAINT rulebook_parts_are_known
    CHECK (part IN ('calendar', 'allowances', 'catalogue', 'policy', 'refusals', 'risk_words', 'ladder',
                    'areas', 'departments', 'categories'));

-- A city that was founded before has its first versions from then on; what was out of use stays closed.
INSERT INTO rulebook_parts (part, version, body, source, published_by, published_at)
SELECT register.part, 1, register.body, '系统升级前录入', 'migration', founded.at
  FROM (SELECT min(published_at) AS at FROM rulebook_parts) founded,
       (SELECT 'areas' AS part, jsonb_agg(jsonb_build_object('code', code, 'name', name, 'parent', coalesce(parent, ''),
                   'closed_from', '', 'successor', '') ORDER BY code) AS body
          FROM areas
         UNION ALL
        SELECT 'departments', jsonb_agg(jsonb_build_object('code', code, 'name', name, 'level', level,
                   'parent', coalesce(parent, ''), 'area', area,
                   'closed_from', CASE WHEN active THEN '' ELSE '2000-01-01' END, 'successor', '') ORDER BY code)
          FROM departments
         UNION ALL
        SELECT 'categories', jsonb_agg(jsonb_build_object('code', code, 'name', name, 'departmental', departmental,
                   'sensitive', sensitive, 'statutory', coalesce(statutory, ''), 'basis', basis,
                   'closed_from', CASE WHEN active THEN '' ELSE '2000-01-01' END, 'successor', '') ORDER BY code)
          FROM categories) register
 WHERE founded.at IS NOT NULL AND register.body IS NOT NULL;

ALTER TABLE departments DROP COLUMN active;
ALTER TABLE categories DROP COLUMN active;

COMMENT ON TABLE areas IS 'Every administrative division 行政区划 there ever was, as last published; what rules is in rulebook_parts. 00 is the city.';
COMMENT ON TABLE departments IS 'Every unit 承办单位 there ever was, as last published: city, county, town, the hotline itself; what rules is in rulebook_parts.';
COMMENT ON TABLE categories IS 'Every kind of matter 事项分类 there ever was, as last published; what rules is in rulebook_parts. A prefix is the broader kind.';
