%% SPDX-License-Identifier: Apache-2.0
-module(network).
-export([gen_tcp/0, gen_udp/0, answering/0, asking/0]).

accept(Listener, 0) -> gen_tcp:close(Listener);
accept(Listener, N) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> ok end, echo(Socket) end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener, N - 1).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> ok = gen_tcp:send(Socket, string:uppercase(Data)), echo(Socket);
        {error, closed} -> gen_tcp:close(Socket)
    end.

gen_tcp() ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {packet, 4}, {active, false}, {reuseaddr, true}, {backlog, 100}]),
    {ok, Port} = inet:port(Listener),
    spawn(fun() -> accept(Listener, 100) end),
    Me = self(),
    [spawn(fun() ->
        {ok, Socket} = gen_tcp:connect("localhost", Port, [binary, {packet, 4}, {active, once}]),
        Sizes = [begin
            ok = gen_tcp:send(Socket, binary:copy(<<"abc">>, Size)),
            receive {tcp, Socket, Data} -> ok = inet:setopts(Socket, [{active, once}]), byte_size(Data) end
        end || Size <- [1, 10, 1000, 100000]],
        ok = gen_tcp:close(Socket),
        Me ! {N, lists:sum(Sizes)} end) || N <- lists:seq(1, 100)],
    io:format("~p~n", [lists:sum([receive {N, Sum} -> Sum end || N <- lists:seq(1, 100)])]),
    io:format("~p~n", [gen_tcp:connect("127.0.0.1", 1, [])]),
    {ok, Silent} = gen_tcp:listen(0, [{active, false}]),
    io:format("~p~n", [gen_tcp:accept(Silent, 50)]),
    {ok, SilentPort} = inet:port(Silent),
    {ok, Waiting} = gen_tcp:connect({127,0,0,1}, SilentPort, [{active, false}]),
    io:format("~p~n", [gen_tcp:recv(Waiting, 0, 50)]),
    {ok, [{nodelay, false}]} = inet:getopts(Waiting, [nodelay]),
    ok = inet:setopts(Waiting, [{nodelay, true}, {keepalive, true}, {linger, {true, 1}}]),
    io:format("~p~n", [inet:getopts(Waiting, [nodelay, keepalive, linger])]),
    {ok, Addresses} = inet:getifaddrs(),
    io:format("~p~n", [[Address || {"lo", Options} <- Addresses, {addr, Address} <- Options]]).

gen_udp() ->
    {ok, One} = gen_udp:open(0, [binary, {active, false}]),
    {ok, Two} = gen_udp:open(0, [binary, {active, true}]),
    {ok, Port} = inet:port(Two),
    [ok = gen_udp:send(One, "127.0.0.1", Port, <<N:32>>) || N <- lists:seq(1, 50)],
    io:format("~p~n", [lists:sum([receive {udp, Two, _, _, <<N:32>>} -> N after 5000 -> lost end || _ <- lists:seq(1, 50)])]).

answering() ->
    register(answering, self()),
    loop(0),
    init:stop().

loop(N) ->
    receive
        {From, stop} -> From ! {stopped, N};
        {From, Message} -> From ! {self(), Message}, loop(N + 1)
    end.

asking() ->
    Node = 'one@localhost',
    io:format("~p ~p~n", [net_adm:ping(Node), nodes()]),
    io:format("~p~n", [rpc:call(Node, lists, seq, [1, 5])]),
    true = erlang:monitor_node(Node, true),
    Large = binary:copy(<<"0123456789">>, 100000),
    [begin {answering, Node} ! {self(), N}, receive {_, N} -> ok end end || N <- lists:seq(1, 2000)],
    [{answering, Node} ! {self(), Large} || _ <- lists:seq(1, 20)],
    [receive {_, Large} -> ok end || _ <- lists:seq(1, 20)],
    Pid = spawn(Node, fun() -> receive after infinity -> ok end end),
    Reference = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Reference, process, Pid, Reason} -> io:format("~p~n", [Reason]) end,
    {answering, Node} ! {self(), stop},
    receive {stopped, Count} -> io:format("~p~n", [Count]) end,
    receive {nodedown, Node} -> io:format("nodedown ~p~n", [nodes()]) after 20000 -> io:format("still there~n") end.

